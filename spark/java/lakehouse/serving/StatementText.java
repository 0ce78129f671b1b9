package lakehouse.serving;

import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.tree.ParseTree;
import org.apache.spark.sql.catalyst.parser.SqlBaseParser;
import org.apache.spark.sql.execution.SparkSqlParser;

/** The kinds of a reader's statement, by the labelled alternatives of Spark's grammar that it consists of. */
public final class StatementText {
  private static final SparkSqlParser SPARK = new SparkSqlParser();

  private StatementText() {}

  /** Raise RefusedStatement for ${...}: Spark puts the server's environment and settings there before it parses. */
  static void refuseVariables(String text) {
    if (text.contains("${")) {
      throw RefusedStatement.unlisted("A text with ${...}");
    }
  }

  /** Raise RefusedStatement where the text, or a statement inside of it, is of a kind that no list names. */
  static void check(String text) {
    check(parse(text));
  }

  private static ParseTree parse(String text) {
    try {
      return SPARK.parse(text, SqlBaseParser::compoundOrSingleStatement);
    } catch (Exception error) { // Scala's methods do not declare ParseException.
      throw RefusedStatement.unlisted("A statement that only Delta knows");
    }
  }

  private static void check(ParseTree tree) {
    if (tree instanceof ParserRuleContext node && isStatement(node)) {
      String kind = node.getClass().getSimpleName();
      if (!AllowedSql.STATEMENTS.contains(kind)) {
        throw RefusedStatement.unlisted(kind.replace("Context", ""));
      }
    }
    for (int i = 0; i < tree.getChildCount(); i++) {
      check(tree.getChild(i));
    }
  }

  private static boolean isStatement(ParserRuleContext node) {
    return node instanceof SqlBaseParser.StatementContext
        || node instanceof SqlBaseParser.SetResetStatementContext
        || node instanceof SqlBaseParser.SingleCompoundStatementContext;
  }
}
