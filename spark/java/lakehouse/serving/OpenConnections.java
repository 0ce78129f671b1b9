package lakehouse.serving;

import java.lang.reflect.Method;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hive.service.cli.SessionHandle;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.server.ServerContext;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TServerEventHandler;
import org.apache.thrift.transport.TTransport;

/** The open connections of a Thrift server by their contexts, so that the one of a session can be closed. */
final class OpenConnections implements TServerEventHandler {
  private final Map<ServerContext, TTransport> transports = new ConcurrentHashMap<>();
  private TServerEventHandler hive;

  /** Have the server report its connections from now on; Hive's own handler is still called. */
  void watch(TServer server) {
    if (server.getEventHandler() != this) {
      hive = server.getEventHandler();
      server.setServerEventHandler(this);
    }
  }

  /** Close the connection whose session has this handle, if there is one; its client reads the end of the stream. */
  void close(SessionHandle session) throws ReflectiveOperationException {
    for (Map.Entry<ServerContext, TTransport> entry : transports.entrySet()) {
      if (session.equals(sessionOf(entry.getKey()))) {
        entry.getValue().close();
      }
    }
  }

  @Override
  public void preServe() {
    hive.preServe();
  }

  @Override
  public ServerContext createContext(TProtocol input, TProtocol output) {
    ServerContext context = hive.createContext(input, output);
    transports.put(context, input.getTransport());
    return context;
  }

  @Override
  public void deleteContext(ServerContext context, TProtocol input, TProtocol output) {
    transports.remove(context);
    hive.deleteContext(context, input, output);
  }

  @Override
  public void processContext(ServerContext context, TTransport input, TTransport output) {
    hive.processContext(context, input, output);
  }

  /** Return the session of a context; Hive's class of it is not public. */
  private static Object sessionOf(ServerContext context) throws ReflectiveOperationException {
    Method getter = context.getClass().getMethod("getSessionHandle");
    getter.setAccessible(true);
    return getter.invoke(context);
  }
}
