package lakehouse.serving;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hive.service.CompositeService;
import org.apache.hive.service.Service;
import org.apache.hive.service.cli.CLIService;
import org.apache.hive.service.cli.thrift.ThriftBinaryCLIService;
import org.apache.hive.service.server.HiveServer2;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.hive.HiveUtils$;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2$;
import org.apache.spark.sql.hive.thriftserver.SparkSQLEnv;
import org.apache.spark.util.ShutdownHookManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.runtime.BoxedUnit;

/** Spark's Thrift server with our logins, and with a check of each call and statement. It serves with both, or not. */
public final class GuardedThriftServer {
  private static final Logger LOG = LoggerFactory.getLogger(GuardedThriftServer.class);

  private GuardedThriftServer() {}

  public static void main(String[] arguments) {
    try {
      PlainLogin.install();
      // Hive reads these from a configuration of its own, which sees Java's properties and no setting of Spark.
      System.setProperty("hive.server2.authentication", "CUSTOM");
      System.setProperty("hive.server2.custom.authentication.class", Logins.class.getName());
      SparkSQLEnv.init();
      ShutdownHookManager.addShutdownHook(() -> {
        SparkSQLEnv.stop(0);
        return BoxedUnit.UNIT;
      });
      SparkSession session = SparkSQLEnv.sparkSession();
      checkGate(session);
      SparkConf conf = session.sparkContext().conf();
      TrustedViews.load(Path.of(conf.get(TrustedViews.FILE)));
      AccessJournal.start(Path.of(conf.get(AccessJournal.FOLDER)), conf.getInt(AccessJournal.DAYS, 0));
      session.sparkContext().addSparkListener(new JournalListener());
      LOG.warn("{}", Logins.describe());
      start(session);
    } catch (IOException | ReflectiveOperationException | RuntimeException error) {
      LOG.error("The Thrift server does not start.", error);
      System.exit(1);
    }
  }

  /** Raise IllegalStateException where statements would not be checked. */
  private static void checkGate(SparkSession session) {
    SparkConf conf = session.sparkContext().conf();
    boolean isShared = conf.getBoolean("spark.sql.hive.thriftServer.singleSession", false);
    if (!(session.sessionState().sqlParser() instanceof GateParser) || isShared) {
      throw new IllegalStateException("spark.sql.extensions has to end in " + GateExtension.class.getName()
          + ", and each client needs a session of its own.");
    }
  }

  /** Start Spark's server as its own main method does, with another service behind the port. */
  private static void start(SparkSession session) throws ReflectiveOperationException, IOException {
    HiveConf conf = HiveUtils$.MODULE$
        .newClientForExecution(session.sparkContext().conf(), session.sessionState().newHadoopConf()).conf();
    conf.set("hive.server2.authentication", "CUSTOM");
    Certificate.use(session.sparkContext().conf(), conf);
    HiveThriftServer2 server = new HiveThriftServer2(session);
    server.init(conf);
    replaceService(server, conf);
    Method listen = HiveThriftServer2$.class
        .getDeclaredMethod("createListenerAndUI", HiveThriftServer2.class, SparkContext.class);
    listen.setAccessible(true);
    listen.invoke(HiveThriftServer2$.MODULE$, server, session.sparkContext());
    server.start();
  }

  private static void replaceService(HiveThriftServer2 server, HiveConf conf) throws ReflectiveOperationException {
    GuardedService guarded = new GuardedService((CLIService) field(HiveServer2.class, "cliService").get(server));
    guarded.init(conf);
    @SuppressWarnings("unchecked")
    List<Service> services = (List<Service>) field(CompositeService.class, "serviceList").get(server);
    services.replaceAll(service -> service instanceof ThriftBinaryCLIService ? guarded : service);
    if (!services.contains(guarded)) {
      throw new IllegalStateException("This version of Spark has another service behind its port.");
    }
    field(HiveServer2.class, "thriftCLIService").set(server, guarded);
  }

  private static Field field(Class<?> owner, String name) throws NoSuchFieldException {
    Field field = owner.getDeclaredField(name);
    field.setAccessible(true);
    return field;
  }
}
