package lakehouse.serving;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ScriptTransformation;
import org.apache.spark.sql.catalyst.plans.logical.View;
import scala.jdk.javaapi.CollectionConverters;

/** A reader's statement as analysed: what it reads is inside of views whose text is ours. */
final class AnalysedQuery {
  private AnalysedQuery() {}

  /** Raise RefusedStatement at the first part outside of our views that no list names. */
  static void check(LogicalPlan plan) {
    if (plan instanceof View view) {
      checkView(view);
      return;
    }
    String name = ParsedStatement.nameOf(plan);
    if (!(plan instanceof Command ? AllowedSql.COMMANDS : AllowedSql.ANALYSED_NODES).contains(name)) {
      throw RefusedStatement.unlisted(name);
    }
    CollectionConverters.asJava(plan.expressions()).forEach(AnalysedQuery::checkExpression);
    CollectionConverters.asJava(plan.children()).forEach(AnalysedQuery::check);
  }

  /** Refuse a command that no list names, wherever its plan comes from. */
  static void refuseCommands(LogicalPlan plan) {
    if (plan instanceof ScriptTransformation
        || plan instanceof Command && !AllowedSql.COMMANDS.contains(ParsedStatement.nameOf(plan))) {
      throw RefusedStatement.unlisted(ParsedStatement.nameOf(plan));
    }
    CollectionConverters.asJava(plan.children()).forEach(AnalysedQuery::refuseCommands);
  }

  private static void checkView(View view) {
    if (view.isTempView() || view.desc().viewText().isEmpty()
        || !TrustedViews.contains(view.desc().viewText().get())) {
      throw RefusedStatement.unlisted("A view that is not ours");
    }
  }

  private static void checkExpression(Expression expression) {
    String type = expression.getClass().getName();
    String name = ParsedStatement.nameOf(expression);
    if (AllowedSql.EXPRESSION_PACKAGES.stream().noneMatch(type::startsWith)
        || AllowedSql.FORBIDDEN_EXPRESSIONS.contains(name)) {
      throw RefusedStatement.unlisted(name);
    }
    if (expression instanceof PlanExpression<?> subquery && subquery.plan() instanceof LogicalPlan plan) {
      check(plan);
    }
    CollectionConverters.asJava(expression.children()).forEach(AnalysedQuery::checkExpression);
  }
}
