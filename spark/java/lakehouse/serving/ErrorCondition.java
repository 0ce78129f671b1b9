package lakehouse.serving;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkThrowableHelper;

/** The name of an error's condition: one of Spark's or Delta's list, never a word of a message. */
final class ErrorCondition {
  static final String REFUSED = "LAKEHOUSE_REFUSED", OTHER = "OTHER";
  private static final Pattern NAME = Pattern.compile("\\[([A-Z][A-Z0-9_]*(?:\\.[A-Z0-9_]+)*)\\]");

  private ErrorCondition() {}

  /** Return the first name in a message that is a condition's, or OTHER. */
  static String in(String message) {
    Matcher names = NAME.matcher(message == null ? "" : message);
    while (names.find()) {
      String name = names.group(1);
      if (name.equals(REFUSED) || name.startsWith("DELTA_") || isSparks(name)) {
        return name;
      }
    }
    return OTHER;
  }

  private static boolean isSparks(String name) {
    try {
      return SparkThrowableHelper.isValidErrorClass(name);
    } catch (Exception error) { // Scala declares none: a name whose first part has no second one
      return false;
    }
  }
}
