package lakehouse.serving;

import java.util.List;
import java.util.Set;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;

/**
 * A statement as the journal of access has it: each literal is a ?, and comments and hints are left out.
 *
 * <p>What is kept is listed: the fixed words and signs of Spark's lexer, and names. Every other token is a ?.
 */
public final class MaskedStatement {
  private static final int MAX_LENGTH = 4_000;
  private static final String MASK = "?", NAME = "[\\p{L}_][\\p{L}\\p{N}_]*";

  // Words and signs that Spark's lexer knows in more than one spelling have no text in its vocabulary.
  private static final Set<Integer> SPELT_IN_TWO_WAYS = Set.of(
      SqlBaseLexer.EQ, SqlBaseLexer.LTE, SqlBaseLexer.GTE, SqlBaseLexer.NOT, SqlBaseLexer.RLIKE,
      SqlBaseLexer.TEMPORARY);
  private static final Set<Integer> VALUES_OF_A_WORD = Set.of(SqlBaseLexer.TRUE, SqlBaseLexer.FALSE);
  private static final Set<Integer> BEFORE_A_RELATION = Set.of(
      SqlBaseLexer.FROM, SqlBaseLexer.JOIN, SqlBaseLexer.TABLE, SqlBaseLexer.VIEW, SqlBaseLexer.INTO,
      SqlBaseLexer.DESCRIBE, SqlBaseLexer.DESC, SqlBaseLexer.USE);

  private final StringBuilder masked = new StringBuilder();
  private final boolean isUnderstood;

  private MaskedStatement(boolean isUnderstood) {
    this.isUnderstood = isUnderstood;
  }

  /**
   * Return the text without its values.
   *
   * <p>A text that Spark did not understand may have a value where a name belongs, and quotes that do not pair. Of such
   * a one only the names of relations are kept, up to the first quote.
   */
  public static String mask(String text, boolean isUnderstood) {
    MaskedStatement statement = new MaskedStatement(isUnderstood);
    SqlBaseLexer lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(text)));
    lexer.removeErrorListeners(); // they would print the text
    List<? extends Token> tokens = lexer.getAllTokens();
    statement.append(tokens);
    return statement.masked.toString();
  }

  private void append(List<? extends Token> tokens) {
    boolean isHint = false, isRelation = false;
    int end = -1;
    for (Token token : tokens) {
      int type = token.getType();
      isHint = type == SqlBaseLexer.HENT_START || isHint;
      if (!isHint && token.getChannel() == Token.DEFAULT_CHANNEL) {
        if (end >= 0 && token.getStartIndex() > end + 1) {
          masked.append(' ');
        }
        end = token.getStopIndex();
        masked.append(isKept(token, isRelation) ? token.getText() : MASK);
        if (endsHere(type)) {
          return;
        }
        isRelation = BEFORE_A_RELATION.contains(type) || isRelation && (isName(type) || type == SqlBaseLexer.DOT);
      }
      isHint = isHint && type != SqlBaseLexer.HENT_END;
    }
  }

  /** Whether nothing after a token can be trusted: a character of no token, or a quote in a text of no statement. */
  private boolean endsHere(int type) {
    boolean isQuoted = type == SqlBaseLexer.STRING_LITERAL || type == SqlBaseLexer.DOUBLEQUOTED_STRING
        || type == SqlBaseLexer.BEGIN_DOLLAR_QUOTED_STRING;
    return type == SqlBaseLexer.UNRECOGNIZED || !isUnderstood && isQuoted || masked.length() > MAX_LENGTH;
  }

  private boolean isKept(Token token, boolean isRelation) {
    int type = token.getType();
    if (isName(type)) {
      boolean isPlain = type == SqlBaseLexer.BACKQUOTED_IDENTIFIER || token.getText().matches(NAME);
      return isPlain && (isUnderstood || isRelation);
    }
    boolean isFixed = SqlBaseLexer.VOCABULARY.getLiteralName(type) != null || SPELT_IN_TWO_WAYS.contains(type);
    return isFixed && !VALUES_OF_A_WORD.contains(type);
  }

  private static boolean isName(int type) {
    return type == SqlBaseLexer.IDENTIFIER || type == SqlBaseLexer.BACKQUOTED_IDENTIFIER;
  }
}
