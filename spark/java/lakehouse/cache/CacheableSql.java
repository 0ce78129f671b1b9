package lakehouse.cache;

import static lakehouse.serving.AllowedSql.words;

import java.util.Set;

/**
 * The parts of an analysed query whose result is cached, by the names of Spark's own classes. A part that is not here may
 * give another answer at another moment, or look like another part without names: its query is computed each time.
 *
 * <p>Not here: functions in the place of which the optimizer puts others (to_date), lambda functions, whatever reads a
 * text as JSON or CSV, and what the clock, the user or chance decide.
 */
final class CacheableSql {
  static final Set<String> NODES = words("""
      Project Filter Aggregate Sort GlobalLimit LocalLimit Offset Distinct Join Union Except Intersect SubqueryAlias View
      Window Expand WithCTE CTERelationDef CTERelationRef OneRowRelation LocalRelation Range LogicalRelation
      """);

  static final Set<String> EXPRESSIONS = words("""
      AttributeReference OuterReference Alias Literal Cast
      And Or Not EqualTo EqualNullSafe GreaterThan GreaterThanOrEqual LessThan LessThanOrEqual In InSet IsNull IsNotNull
      Between With CommonExpressionDef CommonExpressionRef
      Add Subtract Multiply Divide IntegralDivide Remainder UnaryMinus Abs Round Ceil Floor
      BitwiseAnd ShiftRight
      If CaseWhen Coalesce Greatest Least Lower Upper StringTrim Substring Concat Length Like StringReplace
      Year Month Quarter DayOfMonth TruncDate TruncTimestamp DateAdd DateSub DateDiff AddMonths FromUTCTimestamp
      MakeDate TimestampDiff
      AggregateExpression Count Sum Min Max Average SortOrder
      WindowExpression WindowSpecDefinition SpecifiedWindowFrame UnspecifiedFrame UnboundedPreceding UnboundedFollowing
      CurrentRow RowNumber Rank DenseRank
      ScalarSubquery Exists ListQuery InSubquery
      """);

  private CacheableSql() {}
}
