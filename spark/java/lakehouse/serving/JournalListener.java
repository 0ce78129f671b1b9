package lakehouse.serving;

import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import scala.Product;

/** Hears of each end of a session or an operation: a client that went, a time-out, or too many sessions. */
final class JournalListener extends SparkListener {
  @Override
  public void onOtherEvent(SparkListenerEvent event) {
    // Spark's classes of these events are private to its package; the id is the first field of both.
    if (event instanceof Product fields) {
      switch (event.getClass().getSimpleName()) {
        case "SparkListenerThriftServerOperationClosed" -> NotedStatements.ended((String) fields.productElement(0));
        case "SparkListenerThriftServerSessionClosed" -> NotedSessions.ended((String) fields.productElement(0));
        default -> { }
      }
    }
  }
}
