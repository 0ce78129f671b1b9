package lakehouse.serving;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.hive.service.CompositeService;
import org.apache.hive.service.Service;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.session.HiveSession;
import org.apache.hive.service.cli.session.SessionManager;
import org.apache.hive.service.cli.thrift.ThriftBinaryCLIService;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;
import org.apache.thrift.server.TServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * Closes the Thrift server's sessions when they are too many, those that were used longest ago first.
 *
 * <p>Each takes over a megabyte of heap, also idle, and 415 ended a server of 512 MB for everybody.
 * hive.server2.idle.session.timeout closes idle ones after minutes, and 600 may be opened in one. Hive has no limit of
 * its own for all sessions together.
 */
public final class SessionLimit extends SparkListener {
  public static final String LIMIT = "spark.lakehouse.sessions.max";
  private static final int DEFAULT_LIMIT = 100;
  private static final String SESSION_CREATED = "SparkListenerThriftServerSessionCreated";
  private static final Logger LOG = LoggerFactory.getLogger(SessionLimit.class);

  private final int limit;
  private final OpenConnections connections = new OpenConnections();

  public SessionLimit(SparkConf conf) {
    limit = conf.getInt(LIMIT, DEFAULT_LIMIT);
  }

  @Override
  public void onOtherEvent(SparkListenerEvent event) {
    // Spark's class of this event is private to its package.
    if (event.getClass().getSimpleName().equals(SESSION_CREATED)) {
      try {
        watchConnections();
        closeOldest();
      } catch (ReflectiveOperationException error) {
        LOG.error("The sessions of this version of Spark cannot be listed: none is closed.", error);
      }
    }
  }

  /** A connection's thread refers to its session, so that only the end of both gives its memory back. */
  private void watchConnections() throws ReflectiveOperationException {
    ThriftBinaryCLIService service = find(ThriftBinaryCLIService.class, server());
    TServer server = (TServer) read(ThriftBinaryCLIService.class, service, "server");
    connections.watch(server);
  }

  private void closeOldest() throws ReflectiveOperationException {
    SessionManager manager = sessionManager();
    if (manager.getOpenSessionCount() <= limit) {
      return;
    }
    List<HiveSession> sessions = new ArrayList<>(
        ((Map<?, ?>) read(SessionManager.class, manager, "handleToSession")).values().stream()
            .map(HiveSession.class::cast).toList());
    // One without an open question first: its time without one is above 0.
    sessions.sort(Comparator.<HiveSession, Boolean>comparing(session -> session.getNoOperationTime() == 0)
        .thenComparing(HiveSession::getLastAccessTime));
    int excess = Math.max(0, sessions.size() - limit);
    for (HiveSession session : sessions.subList(0, excess)) {
      try {
        manager.closeSession(session.getSessionHandle());
        connections.close(session.getSessionHandle());
        LOG.warn("More than {} sessions are open: the one used longest ago is closed.", limit);
      } catch (HiveSQLException error) {
        LOG.info("A session had been closed by its client.");
      }
    }
  }

  private static SessionManager sessionManager() throws ReflectiveOperationException {
    return find(SessionManager.class, server());
  }

  private static CompositeService server() throws ReflectiveOperationException {
    Object listener = HiveThriftServer2.listener();
    return (CompositeService) ((Option<?>) read(listener.getClass(), listener, "server")).get();
  }

  private static <T> T find(Class<T> kind, CompositeService parent) throws ReflectiveOperationException {
    for (Service service : parent.getServices()) {
      if (kind.isInstance(service)) {
        return kind.cast(service);
      }
      if (service instanceof CompositeService composite) {
        try {
          return find(kind, composite);
        } catch (NoSuchFieldException absent) {
          LOG.debug("{} has none", service.getName());
        }
      }
    }
    throw new NoSuchFieldException(kind.getName());
  }

  private static Object read(Class<?> owner, Object object, String name) throws ReflectiveOperationException {
    Field field = owner.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(object);
  }
}
