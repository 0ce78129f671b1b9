package lakehouse.cache;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.spark.sql.catalyst.expressions.Add;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockLength;
import org.apache.spark.sql.catalyst.expressions.InputFileBlockStart;
import org.apache.spark.sql.catalyst.expressions.InputFileName;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Multiply;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampType;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** The nodes of an analysed query, subqueries included. */
record CacheablePlan(List<LogicalPlan> nodes) {
  // A text with a time alone, or a word such as 'today', is of the day on which it is cast.
  private static final Pattern WITH_ITS_DAY = Pattern.compile("\\s*\\d{4}-\\d{1,2}-\\d{1,2}\\b.*", Pattern.DOTALL);

  static CacheablePlan of(LogicalPlan plan) {
    List<LogicalPlan> nodes = new ArrayList<>();
    plan.foreachWithSubqueries(new AbstractFunction1<>() {
      @Override
      public BoxedUnit apply(LogicalPlan node) {
        nodes.add(node);
        return BoxedUnit.UNIT;
      }
    });
    return new CacheablePlan(nodes);
  }

  /** Return the scans of Delta tables. */
  Map<LogicalRelation, DeltaScan> scans() {
    Map<LogicalRelation, DeltaScan> scans = new LinkedHashMap<>();
    for (LogicalPlan node : nodes) {
      if (node instanceof LogicalRelation relation) {
        DeltaScan.of(relation).ifPresent(scan -> scans.put(relation, scan));
      }
    }
    return scans;
  }

  /** Return whether a query asks for the files that rows come from: rows in memory have none. */
  boolean namesFiles() {
    return anyExpression(part -> part instanceof InputFileName || part instanceof InputFileBlockStart
        || part instanceof InputFileBlockLength);
  }

  /** Return whether a plan gives the same rows at any time and to anybody, while its scans do. */
  boolean isRepeatable(Set<LogicalRelation> scans) {
    return nodes.stream().allMatch(node -> CacheableSql.NODES.contains(nameOf(node)) && node.deterministic()
            && (!(node instanceof LogicalRelation) || scans.contains(node)))
        && !anyExpression(part -> !isRepeatable(part));
  }

  private static boolean isRepeatable(Expression part) {
    return CacheableSql.EXPRESSIONS.contains(nameOf(part)) && part.deterministic() && !isRegrouped(part)
        && (!(part instanceof Cast cast) || isRepeatable(cast));
  }

  /** Return whether Spark compares a sum of sums without its brackets, which decide on rounding and overflow. */
  private static boolean isRegrouped(Expression part) {
    return (part instanceof Add || part instanceof Multiply)
        && ScalaLists.asJava(part.children()).stream().anyMatch(operand -> operand.getClass() == part.getClass());
  }

  /** Return whether a cast is between simple types; from text to a time, only of a constant with its day. */
  private static boolean isRepeatable(Cast cast) {
    DataType from = cast.child().dataType(), to = cast.dataType();
    if (from instanceof StringType && isTime(to)) {
      return cast.child() instanceof Literal text && text.value() != null
          && WITH_ITS_DAY.matcher(text.value().toString()).matches();
    }
    return isSimple(from) && isSimple(to);
  }

  private static boolean isTime(DataType type) {
    return type instanceof DateType || type instanceof TimestampType;
  }

  private static boolean isSimple(DataType type) {
    return type instanceof NumericType || type instanceof BooleanType || type instanceof StringType
        || type instanceof NullType || isTime(type);
  }

  private static String nameOf(Object part) {
    return part.getClass().getSimpleName().replace("$", "");
  }

  private boolean anyExpression(Predicate<Expression> condition) {
    return nodes.stream().anyMatch(node -> ScalaLists.asJava(node.expressions()).stream()
        .anyMatch(expression -> expression.exists(part -> condition.test((Expression) part))));
  }
}
