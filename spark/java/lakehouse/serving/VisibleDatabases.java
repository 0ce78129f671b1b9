package lakehouse.serving;

import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import scala.Option;

/** The databases that a metadata call of the Thrift protocol is about: those of its pattern that the role sees. */
public final class VisibleDatabases {
  // A pattern of Hive's that no database has.
  private static final String NONE = "-";

  private VisibleDatabases() {}

  /**
   * Return the pattern to put in the place of a client's: alternatives by name, which Hive's pattern is split at.
   *
   * <p>In a client's, % is any text and _ any character, a backslash quotes either, and null or nothing is any database.
   */
  public static String pattern(String requested, String role) {
    return pattern(requested, Role.valueOf(role));
  }

  static String pattern(String requested, Role role) {
    if (role == Role.OWNER) {
      return requested;
    }
    Pattern matching = Pattern.compile(
        requested == null || requested.isEmpty() ? ".*" : regex(requested), Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
    List<String> names = role.databases().stream().filter(name -> matching.matcher(name).matches()).toList();
    return names.isEmpty() ? NONE : String.join("|", names);
  }

  /** Return the query in the place of SHOW DATABASES, which would list all: those given that match its pattern, if any. */
  static String query(List<String> databases, Option<String> pattern) {
    String choices = pattern.isDefined() ? pattern.get().strip().replace("*", ".*") : ".*";
    String rows = databases.stream().filter(name -> matches(name, choices))
        .map(name -> "('" + name + "')").collect(Collectors.joining(", "));
    return "SELECT namespace FROM VALUES " + (rows.isEmpty() ? "('')" : rows) + " AS databases (namespace)"
        + (rows.isEmpty() ? " WHERE false" : "");
  }

  /** As Spark has it, a pattern that is no regular expression matches nothing. */
  private static boolean matches(String name, String choices) {
    try {
      return name.matches("(?i)(" + choices + ")");
    } catch (PatternSyntaxException none) {
      return false;
    }
  }

  private static String regex(String pattern) {
    StringBuilder regex = new StringBuilder();
    for (int at = 0; at < pattern.length(); at++) {
      char letter = pattern.charAt(at);
      if (letter == '\\' && at + 1 < pattern.length()) {
        at++;
        regex.append(Pattern.quote(String.valueOf(pattern.charAt(at))));
      } else {
        regex.append(letter == '%' || letter == '*' ? ".*" : letter == '_' ? "." : Pattern.quote(String.valueOf(letter)));
      }
    }
    return regex.toString();
  }
}
