package lakehouse.serving;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import scala.jdk.javaapi.CollectionConverters;

/** The views that an analysed query reads, also in subqueries; a view inside of a view is not among them. */
final class ReadViews {
  private ReadViews() {}

  static List<String> of(LogicalPlan plan) {
    Set<String> names = new TreeSet<>();
    collect(plan, names);
    return List.copyOf(names);
  }

  private static void collect(LogicalPlan plan, Set<String> names) {
    if (plan instanceof View view) {
      TableIdentifier name = view.desc().identifier();
      names.add((name.database().isDefined() ? name.database().get() + "." : "") + name.table());
      return;
    }
    CollectionConverters.asJava(plan.expressions()).forEach(expression -> collect(expression, names));
    CollectionConverters.asJava(plan.children()).forEach(child -> collect(child, names));
  }

  private static void collect(Expression expression, Set<String> names) {
    if (expression instanceof PlanExpression<?> subquery && subquery.plan() instanceof LogicalPlan plan) {
      collect(plan, names);
    }
    CollectionConverters.asJava(expression.children()).forEach(child -> collect(child, names));
  }
}
