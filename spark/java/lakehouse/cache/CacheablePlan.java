package lakehouse.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockLength;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockStart;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.expressions.UserDefinedExpression;
import org.apache.spark.sql.catalyst.plans.logical.CTERelationRef;
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OneRowRelation;
import org.apache.spark.sql.catalyst.plans.logical.Range;
import org.apache.spark.sql.catalyst.trees.TreePattern;
import org.apache.spark.sql.types.StringType;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** What an analysed query consists of, subqueries included. */
final class CacheablePlan {
  // Spark casts these words to a date or a time of now, whatever else stands around them.
  private static final Pattern WORDS_FOR_NOW = Pattern.compile(".*(now|today|tomorrow|yesterday).*", Pattern.DOTALL);

  private CacheablePlan() {}

  static Stream<LogicalPlan> leaves(LogicalPlan plan) {
    return nodes(plan).stream().filter(node -> ScalaLists.asJava(node.children()).isEmpty());
  }

  /** Return whether a query asks for the files that rows come from: rows in memory have none. */
  static boolean namesFiles(LogicalPlan plan) {
    return anyExpression(plan, part -> part instanceof InputFileName || part instanceof InputFileBlockStart
        || part instanceof InputFileBlockLength);
  }

  /** Return whether a plan gives the same rows at any time and to anybody, while its known leaves do. */
  static boolean isRepeatable(LogicalPlan plan, Set<? extends LogicalPlan> known) {
    return leaves(plan).allMatch(leaf -> known.contains(leaf) || isWithoutTable(leaf))
        && nodes(plan).stream().allMatch(LogicalPlan::deterministic)
        && !plan.containsPattern(TreePattern.CURRENT_LIKE())
        && !anyExpression(plan, part -> !part.deterministic() || part instanceof UserDefinedExpression
            || part.containsPattern(TreePattern.CURRENT_LIKE()) || isTextForNow(part));
  }

  private static boolean isWithoutTable(LogicalPlan leaf) {
    return leaf instanceof LocalRelation || leaf instanceof OneRowRelation || leaf instanceof Range
        || leaf instanceof CTERelationRef;
  }

  private static boolean isTextForNow(Expression part) {
    if (!(part instanceof Cast cast) || !(cast.child().dataType() instanceof StringType) || !cast.child().foldable()) {
      return false;
    }
    try {
      Object text = cast.child().eval(null);
      return text != null && WORDS_FOR_NOW.matcher(text.toString().toLowerCase(Locale.ROOT)).matches();
    } catch (RuntimeException unknown) {
      return true;
    }
  }

  private static boolean anyExpression(LogicalPlan plan, Predicate<Expression> condition) {
    return nodes(plan).stream().anyMatch(node -> ScalaLists.asJava(node.expressions()).stream()
        .anyMatch(expression -> expression.exists(part -> condition.test((Expression) part))));
  }

  private static List<LogicalPlan> nodes(LogicalPlan plan) {
    List<LogicalPlan> nodes = new ArrayList<>();
    plan.foreachWithSubqueries(new AbstractFunction1<>() {
      @Override
      public BoxedUnit apply(LogicalPlan node) {
        nodes.add(node);
        return BoxedUnit.UNIT;
      }
    });
    return nodes;
  }
}
