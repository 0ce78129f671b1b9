package lakehouse.serving;

import java.lang.reflect.Field;
import java.net.InetAddress;
import org.apache.thrift.server.TServer;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;
import org.apache.thrift.transport.TTransportFactory;

/** The address of a client that logs in: Hive knows it only once a client has logged in. */
final class ClientAddress {
  private static final ThreadLocal<String> OF_LOGIN = new ThreadLocal<>();

  private ClientAddress() {}

  /** Return the address of the client whose login this thread checks, or null. */
  static String ofLogin() {
    return OF_LOGIN.get();
  }

  /** Have a server's threads know the address of their client while it logs in. */
  static void watch(TServer server) throws ReflectiveOperationException {
    Field field = TServer.class.getDeclaredField("inputTransportFactory_");
    field.setAccessible(true);
    TTransportFactory hive = (TTransportFactory) field.get(server);
    field.set(server, new TTransportFactory() {
      @Override
      public TTransport getTransport(TTransport transport) throws TTransportException {
        OF_LOGIN.set(addressOf(transport));
        try {
          return hive.getTransport(transport);
        } finally {
          OF_LOGIN.remove();
        }
      }
    });
  }

  private static String addressOf(TTransport transport) {
    InetAddress address = transport instanceof TSocket socket ? socket.getSocket().getInetAddress() : null;
    return address == null ? null : address.getHostAddress();
  }
}
