package lakehouse.cache;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.plans.logical.Limit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.QueryExecution;
import scala.Option;
import scala.collection.Iterator;

/** Reads a table for the cache, in a session of its own: the settings of who asks first do not count for the others. */
final class TableLoader {
  private static final ThreadLocal<Boolean> LOADING = ThreadLocal.withInitial(() -> false);
  private static SparkSession loader;

  private TableLoader() {}

  /** Return whether this thread reads a table for the cache. */
  static boolean isLoading() {
    return LOADING.get();
  }

  /** Return the rows of a scan's version; not whole where they are too many. */
  static CollectedRows load(SparkSession session, DeltaScan scan) {
    CollectedRows rows = new CollectedRows(CacheLimits.MAX_TABLE_BYTES);
    if (scan.snapshot().sizeInBytes() > CacheLimits.MAX_TABLE_BYTES) {
      rows.giveUp();
      return rows;
    }
    SparkSession own = loader(session);
    Option<SparkSession> active = SparkSession.getActiveSession();
    LOADING.set(true);
    SparkSession.setActiveSession(own);
    try {
      Expression limit = Literal$.MODULE$.apply(CacheLimits.MAX_ROWS + 1);
      LogicalPlan plan = (LogicalPlan) (Object) Limit.apply(limit, scan.pinned(own));
      QueryExecution execution = own.sessionState().executePlan(plan, own.sessionState().executePlan$default$2());
      Iterator<InternalRow> all = execution.executedPlan().executeToIterator();
      while (all.hasNext() && rows.add(all.next())) {
        continue;
      }
      return rows;
    } finally {
      LOADING.set(false);
      if (active.isDefined()) {
        SparkSession.setActiveSession(active.get());
      } else {
        SparkSession.clearActiveSession();
      }
    }
  }

  private static synchronized SparkSession loader(SparkSession session) {
    if (loader == null || loader.sparkContext().isStopped()) {
      loader = session.newSession();
    }
    return loader;
  }
}
