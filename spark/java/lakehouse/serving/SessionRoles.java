package lakehouse.serving;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.apache.spark.sql.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/** The role of each open session of the server, and the settings that it was opened with. */
public final class SessionRoles {
  private record Access(Role role, Map<String, String> settings) {}

  private static final Map<SparkSession, Access> OPEN = Collections.synchronizedMap(new WeakHashMap<>());
  // Spark runs `USE database` before it says which of its sessions belongs to a client's.
  private static final ThreadLocal<Role> OPENING = new ThreadLocal<>();

  private SessionRoles() {}

  /** Have the statements that this thread runs while it opens a session run by a role; null ends that. */
  static void opening(Role role) {
    if (role == null) {
      OPENING.remove();
    } else {
      OPENING.set(role);
    }
  }

  static void opened(SparkSession session, Role role) {
    OPEN.put(session, new Access(role, unlistedSettings(session)));
  }

  /** Return the role of a session; one that nobody opened has none. */
  public static Role of(SparkSession session) {
    Access access = OPEN.get(session);
    if (access != null) {
      return access.role;
    }
    return OPENING.get() == null ? Role.NONE : OPENING.get();
  }

  /** Raise RefusedStatement where a session has another setting than at its start, and no list names it. */
  static void checkSettings(SparkSession session) {
    Access access = OPEN.get(session);
    if (access == null) {
      return;
    }
    Map<String, String> now = unlistedSettings(session);
    if (!now.equals(access.settings)) {
      now.entrySet().removeAll(access.settings.entrySet());
      throw new RefusedStatement("This session has settings of its own, and a reader's may not: "
          + String.join(", ", now.keySet()) + ".");
    }
  }

  private static Map<String, String> unlistedSettings(SparkSession session) {
    Map<String, String> settings = new HashMap<>(CollectionConverters.asJava(session.conf().getAll()));
    settings.keySet().removeIf(key -> AllowedSql.isSetting(key) || AllowedSql.SETTINGS_OF_SPARK.contains(key));
    return settings;
  }
}
