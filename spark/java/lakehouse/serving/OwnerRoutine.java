package lakehouse.serving;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.CreateView;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OneRowRelation;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What the initialiser does every few seconds, and what is no access to a figure: it creates this version's views,
 * looks which there are, and asks whether the server answers. Whatever else its login asks is noted.
 */
final class OwnerRoutine {
  private OwnerRoutine() {}

  static boolean contains(LogicalPlan plan) {
    if (plan instanceof CreateView view) {
      return view.originalText().isDefined() && TrustedViews.contains(view.originalText().get());
    }
    String name = ParsedStatement.nameOf(plan);
    return name.equals("CreateNamespace") || AllowedSql.COMMANDS.contains(name) || isOfLiterals(plan);
  }

  private static boolean isOfLiterals(LogicalPlan plan) {
    return plan instanceof Project project
        && project.child() instanceof OneRowRelation
        && CollectionConverters.asJava(project.projectList()).stream().allMatch(column ->
            CollectionConverters.asJava(((Expression) column).children()).stream().allMatch(Literal.class::isInstance));
  }
}
