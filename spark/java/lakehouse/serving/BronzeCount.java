package lakehouse.serving;

import static scala.jdk.javaapi.CollectionConverters.asJava;

import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.catalyst.analysis.UnresolvedAlias;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedStar;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;

/** The one question about a table by its path: how many activities Bronze holds. Nothing stands beside the count. */
final class BronzeCount {
  /** The root of the lake as the server reads it. */
  static final String LAKE = "spark.lakehouse.gate.lake";

  /** The table's name in the journal of access. */
  static final String NAME = "bronze.strava_activities";

  private static final String TABLE = "/bronze/strava_activities";

  private BronzeCount() {}

  static boolean isParsed(LogicalPlan plan, String lake) {
    return plan instanceof Project project
        && asJava(project.projectList()).size() == 1
        && asJava(project.projectList()).get(0) instanceof Expression column
        && (column instanceof UnresolvedAlias || column instanceof Alias)
        && isCount(asJava(column.children()).get(0))
        && project.child() instanceof UnresolvedRelation relation
        && isBronze(relation, lake);
  }

  /** Raise RefusedStatement where Spark understood something else than a count of one table. */
  static void checkAnalysed(LogicalPlan plan) {
    if (plan instanceof Aggregate aggregate
        && asJava(aggregate.groupingExpressions()).isEmpty()
        && asJava(aggregate.aggregateExpressions()).size() == 1) {
      LogicalPlan below = aggregate.child();
      while (below instanceof SubqueryAlias alias) {
        below = alias.child();
      }
      String leaf = ParsedStatement.nameOf(below);
      if (leaf.equals("LogicalRelation") || leaf.equals("DataSourceV2Relation")) {
        return;
      }
    }
    throw RefusedStatement.unlisted("A count that is not the documented one");
  }

  private static boolean isCount(Expression expression) {
    if (!(expression instanceof UnresolvedFunction function)
        || !asJava(function.nameParts()).stream().map(name -> name.toLowerCase(Locale.ROOT)).toList()
            .equals(List.of("count"))
        || function.isDistinct()
        || function.filter().isDefined()
        || function.ignoreNulls().isDefined()
        || !asJava(function.orderingWithinGroup()).isEmpty()
        || asJava(function.arguments()).size() != 1) {
      return false;
    }
    Expression argument = asJava(function.arguments()).get(0);
    return argument instanceof UnresolvedStar star && star.target().isEmpty()
        || argument instanceof Literal literal && Integer.valueOf(1).equals(literal.value());
  }

  private static boolean isBronze(UnresolvedRelation relation, String lake) {
    List<String> name = asJava(relation.multipartIdentifier());
    return name.size() == 2
        && name.get(0).equalsIgnoreCase("delta")
        && name.get(1).equals(lake + TABLE)
        && !relation.isStreaming()
        && relation.options().isEmpty();
  }
}
