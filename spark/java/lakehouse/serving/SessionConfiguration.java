package lakehouse.serving;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The settings that a client sends when it opens a session. Hive would put all of them into it, without SET. */
final class SessionConfiguration {
  private static final Logger LOG = LoggerFactory.getLogger(SessionConfiguration.class);
  private static final String DATABASE = "use:database", PROXY_USER = "hive.server2.proxy.user", SET = "set:hiveconf:";

  // Hive would put a variable of the server in the place of ${env:NAME}.
  private static final Pattern PLAIN_VALUE = Pattern.compile("[A-Za-z0-9.]+");

  private SessionConfiguration() {}

  /**
   * Return the settings that are applied. Another one is noted by its key, since a driver sends many that it needs not.
   *
   * <p>Raise RefusedStatement for another user's name, and for a database that does not exist for the role.
   */
  static Map<String, String> admitted(Map<String, String> requested, Role role) {
    Map<String, String> admitted = new HashMap<>();
    if (requested == null) {
      return admitted;
    }
    requested.forEach((key, value) -> {
      String name = key.substring(key.startsWith("set:") ? key.lastIndexOf(':') + 1 : 0);
      if (name.equalsIgnoreCase(PROXY_USER)) {
        throw new RefusedStatement("A session for another user is refused.");
      } else if (key.equals(DATABASE)) {
        admitted.put(key, checkDatabase(value, role));
      } else if (AllowedSql.isSetting(name) && PLAIN_VALUE.matcher(value).matches()) {
        admitted.put(SET + name, value);
      } else {
        LOG.info("setting_not_applied {}", key.replaceAll("[^A-Za-z0-9._:-]", "?"));
      }
    });
    return admitted;
  }

  /** Spark writes the name into a statement: only a plain one is taken. */
  private static String checkDatabase(String name, Role role) {
    if (name == null || !name.matches("[A-Za-z0-9_]+") || !role.sees(name)) {
      throw RefusedStatement.unlisted("A database that is not this role's");
    }
    return name;
  }
}
