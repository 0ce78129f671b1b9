package lakehouse.serving;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Ends a question of the Thrift server that has computed for longer than its limit, with a sentence for its client.
 *
 * <p>spark.sql.thriftServer.queryTimeout watches a statement until its first row can be fetched. With
 * spark.sql.thriftServer.incrementalCollect nearly all work comes after that, and is not watched. It also ends a
 * statement of a synchronous client without an error.
 *
 * <p>The jobs of a question have its statement's id as their group. Their running times are added up, so that a client
 * that fetches slowly has as much as one that fetches at once.
 */
public final class QuestionTimeout extends SparkListener {
  /** The limit; a session sets its own with SET. 0 is none. */
  public static final String LIMIT = "spark.lakehouse.question.timeout";
  private static final String DEFAULT_LIMIT = "60s", JOB_GROUP = "spark.jobGroup.id";
  private static final Logger LOG = LoggerFactory.getLogger(QuestionTimeout.class);
  private static final int QUESTIONS_KEPT = 2_000;

  /** A question's limit and the time that its ended jobs took, both in ms. */
  private static final class ResultKey {
    private long limit, used;
  }

  /** A running job: its question, its start by the JVM's clock in ns, and its scheduled end. */
  private record RunningJob(ResultKey question, long startedAt, Future<?> end) {}

  // All events arrive in one thread.
  private final Map<String, ResultKey> questions = new LinkedHashMap<>() {
    @Override
    protected boolean removeEldestEntry(Map.Entry<String, ResultKey> eldest) {
      return size() > QUESTIONS_KEPT;
    }
  };
  private final Map<Integer, RunningJob> jobs = new HashMap<>();
  private final long defaultLimit;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
    Thread thread = new Thread(work, "question-timeout");
    thread.setDaemon(true);
    return thread;
  });

  public QuestionTimeout(SparkConf conf) {
    defaultLimit = conf.getTimeAsMs(LIMIT, DEFAULT_LIMIT);
  }

  @Override
  public void onOtherEvent(SparkListenerEvent event) {
    if (event instanceof SparkListenerSQLExecutionStart start && start.jobGroupId().isDefined()) {
      String own = CollectionConverters.asJava(start.modifiedConfigs()).get(LIMIT);
      question(start.jobGroupId().get()).limit = own == null ? defaultLimit : toMillis(own);
    }
  }

  @Override
  public void onJobStart(SparkListenerJobStart start) {
    String group = start.properties() == null ? null : start.properties().getProperty(JOB_GROUP);
    if (group == null) {
      return;
    }
    ResultKey question = question(group);
    long limit = question.limit;
    Future<?> end = limit == 0 ? null : timer.schedule(
        () -> cancel(start.jobId(), limit), Math.max(0, limit - question.used), TimeUnit.MILLISECONDS);
    jobs.put(start.jobId(), new RunningJob(question, System.nanoTime(), end));
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd end) {
    RunningJob job = jobs.remove(end.jobId());
    if (job != null) {
      job.question.used += TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - job.startedAt);
      if (job.end != null) {
        job.end.cancel(false);
      }
    }
  }

  private ResultKey question(String group) {
    return questions.computeIfAbsent(group, unknown -> {
      ResultKey question = new ResultKey();
      question.limit = defaultLimit;
      return question;
    });
  }

  private long toMillis(String limit) {
    try {
      return JavaUtils.timeStringAsMs(limit);
    } catch (NumberFormatException error) {
      return defaultLimit;
    }
  }

  private static void cancel(int job, long limit) {
    long seconds = TimeUnit.MILLISECONDS.toSeconds(limit);
    LOG.warn("A question took more than {} s: its job {} is cancelled.", seconds, job);
    SparkContext.getOrCreate().cancelJob(job, "because its question took more than " + seconds
        + " s of computing. Ask for fewer rows, or set another limit first: SET " + LIMIT + "=" + 5 * seconds + "s");
  }
}
