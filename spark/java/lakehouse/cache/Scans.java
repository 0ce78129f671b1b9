package lakehouse.cache;

import java.util.function.Function;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.Function1;
import scala.runtime.AbstractPartialFunction;

/** The scans of an analysed query's tables, subqueries included. */
final class Scans {
  private Scans() {}

  /** Return the plan with another leaf in the place of each scan. */
  static LogicalPlan replace(LogicalPlan plan, Function<LogicalRelation, LogicalPlan> replacement) {
    return plan.transformUpWithSubqueries(new AbstractPartialFunction<LogicalPlan, LogicalPlan>() {
      @Override
      public boolean isDefinedAt(LogicalPlan node) {
        return node instanceof LogicalRelation;
      }

      @Override
      @SuppressWarnings("unchecked")
      public <A extends LogicalPlan, B> B applyOrElse(A node, Function1<A, B> otherwise) {
        return node instanceof LogicalRelation relation ? (B) replacement.apply(relation) : otherwise.apply(node);
      }
    });
  }
}
