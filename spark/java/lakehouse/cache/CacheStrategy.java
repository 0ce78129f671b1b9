package lakehouse.cache;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.Option;
import scala.collection.immutable.Seq;

/** Plans rows in memory, and what caches a query's result. */
final class CacheStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof CacheResult result) {
      return ScalaLists.of(new CacheResultExec(planLater(result.child()), result.key()));
    }
    if (plan instanceof RowsInMemory memory) {
      return ScalaLists.of(new LocalRowsExec(memory.output(), ScalaLists.ofArray(memory.rows()), Option.empty()));
    }
    return ScalaLists.empty();
  }
}
