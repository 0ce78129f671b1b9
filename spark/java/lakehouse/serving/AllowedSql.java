package lakehouse.serving;

import java.util.Locale;
import java.util.Set;

/**
 * The parts of Spark's SQL that a reader may use, by the names of Spark's own classes. Whatever is not here is refused,
 * so that a newer Spark's new parts are refused until somebody adds them.
 */
public final class AllowedSql {
  /** The labelled alternatives of the grammar's rules `statement` and `setResetStatement`. */
  public static final Set<String> STATEMENTS = words("""
      StatementDefaultContext ExplainContext UseContext UseNamespaceContext
      ShowNamespacesContext ShowTablesContext ShowTableExtendedContext ShowViewsContext ShowColumnsContext
      ShowFunctionsContext ShowCurrentNamespaceContext
      DescribeFunctionContext DescribeNamespaceContext DescribeRelationContext DescribeQueryContext
      SetConfigurationContext SetQuotedConfigurationContext
      """);

  /** The commands, as parsed or as analysed. */
  public static final Set<String> COMMANDS = words("""
      ExplainCommand SetCatalogAndNamespace SetNamespaceCommand SetCommand
      ShowNamespacesCommand ShowTables ShowTablesCommand ShowTablesExtended ShowViews ShowViewsCommand
      ShowColumns ShowColumnsCommand ShowFunctions ShowFunctionsCommand ShowCurrentNamespaceCommand
      DescribeFunction DescribeFunctionCommand DescribeNamespace DescribeDatabaseCommand
      DescribeRelation DescribeTableCommand DescribeRelationJsonCommand DescribeColumn DescribeColumnCommand
      DescribeQueryCommand
      """);

  /** The nodes of a parsed query. A relation's name is looked at beside. */
  public static final Set<String> PARSED_NODES = words("""
      UnresolvedRelation UnresolvedTableOrView UnresolvedNamespace UnresolvedFunctionName CurrentNamespace
      UnresolvedTableValuedFunction UnresolvedTVFAliases UnresolvedInlineTable UnresolvedSubqueryColumnAliases
      UnresolvedHaving UnresolvedQualify UnresolvedWith WithWindowDefinition PipeOperator
      Project Filter Aggregate Sort GlobalLimit LocalLimit LimitAll Offset Distinct Join LateralJoin Union Except
      Intersect SubqueryAlias OneRowRelation LocalRelation Generate Sample Pivot Unpivot RepartitionByExpression
      """);

  /** The nodes of an analysed query outside of the views. Of the leaves, only those without a file are here. */
  public static final Set<String> ANALYSED_NODES = words("""
      Project Filter Aggregate Sort GlobalLimit LocalLimit LimitAll Offset Distinct Deduplicate Join LateralJoin Union
      Except Intersect SubqueryAlias Window Generate Expand Sample Pivot Unpivot RepartitionByExpression
      PipeOperator WithCTE CTERelationDef CTERelationRef OneRowRelation LocalRelation ResolvedInlineTable Range
      ResolvedNamespace CurrentNamespace ResolvedPersistentView ResolvedNonPersistentFunc
      """);

  /** The expressions of a parsed query. A function's name is looked at beside. */
  public static final Set<String> EXPRESSIONS = words("""
      UnresolvedAttribute UnresolvedAlias UnresolvedStar UnresolvedStarExceptOrReplace UnresolvedRegex UnresolvedOrdinal
      UnresolvedPipeAggregateOrdinal UnresolvedExtractValue UnresolvedFunction UnresolvedGenerator
      UnresolvedWindowExpression UnresolvedNamedLambdaVariable UnresolvedCollation UnresolvedFieldName
      Alias MultiAlias AttributeReference Literal Cast Collate CaseWhen Coalesce Concat CreateNamedStruct LambdaFunction
      NamedArgumentExpression PipeExpression
      Add Subtract Multiply Divide IntegralDivide Remainder UnaryMinus UnaryPositive
      And Or Not EqualTo EqualNullSafe GreaterThan GreaterThanOrEqual LessThan LessThanOrEqual In IsNull IsNotNull
      BitwiseAnd BitwiseNot BitwiseOr BitwiseXor ShiftLeft ShiftRight ShiftRightUnsigned
      Like ILike RLike LikeAll LikeAny NotLikeAll NotLikeAny
      Exists InSubquery ListQuery ScalarSubquery LateralSubquery
      SortOrder Cube Rollup GroupingSets WindowExpression WindowSpecDefinition SpecifiedWindowFrame
      CurrentRow UnboundedPreceding UnboundedFollowing UnspecifiedFrame
      AggregateExpression NamePlaceholder AnyValue First Last CurrentDate CurrentTime CurrentTimestamp CurrentUser
      Hex Lower Overlay StringLocate StringTrim StringTrimLeft StringTrimRight Substring SemiStructuredExtract
      TimestampAdd TimestampDiff
      """);

  /** Where the classes of an analysed query's expressions live; FORBIDDEN_EXPRESSIONS are refused also there. */
  public static final Set<String> EXPRESSION_PACKAGES =
      words("org.apache.spark.sql.catalyst.expressions. org.apache.spark.sql.catalyst.analysis.");

  /** Expressions that run code of others, or name files. */
  public static final Set<String> FORBIDDEN_EXPRESSIONS = words("""
      CallMethodViaReflection TryReflect InputFileName InputFileBlockStart InputFileBlockLength
      ScalaUDF ScalaUDAF ScalaAggregator PythonUDF PythonUDAF PythonUDTF UnresolvedPolymorphicPythonUDTF
      """);

  /** The settings that a reader may change, by SET or when the session is opened. */
  public static final Set<String> SETTINGS = Set.of(QuestionTimeout.LIMIT);

  /** The settings that Delta and Spark's own server make in a session as it is used. */
  static final Set<String> SETTINGS_OF_SPARK = words("""
      spark.sql.parquet.fieldId.read.enabled spark.sql.parquet.fieldId.write.enabled spark.sql.binaryOutputStyle
      """);

  private AllowedSql() {}

  /** Return the words of a text. */
  public static Set<String> words(String text) {
    return Set.of(text.strip().split("\\s+"));
  }

  /** Return whether a reader may change a setting; Spark's own keys are compared as they are written. */
  static boolean isSetting(String key) {
    return SETTINGS.contains(key.strip().toLowerCase(Locale.ROOT));
  }
}
