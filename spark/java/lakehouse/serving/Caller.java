package lakehouse.serving;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hive.service.auth.TSetIpAddressProcessor;

/** Who makes a call of the Thrift protocol, and from where; the session's public id, or null. */
record Caller(String session, String user, Role role, String client) {
  private static final int MAX_NAME = 64;

  /** Return who makes the call that this thread serves. */
  static Caller current(String session) {
    return new Caller(
        session, TSetIpAddressProcessor.getUserName(), Logins.role(), TSetIpAddressProcessor.getUserIpAddress());
  }

  /** Return the fields that each line of the journal begins with. */
  Map<String, Object> line(Instant at, String event, String id) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("at", at.truncatedTo(ChronoUnit.MILLIS).toString());
    line.put("event", event);
    line.put("id", id);
    line.put("session", session);
    line.put("user", shortened(user));
    line.put("role", role == Role.NONE ? null : role.name().toLowerCase(java.util.Locale.ROOT));
    line.put("client", client);
    return line;
  }

  /** A name that was refused may be anything. */
  private static String shortened(String name) {
    return name == null ? null
        : name.replaceAll("\\p{C}", "?").substring(0, Math.min(name.length(), MAX_NAME));
  }

  static double secondsSince(long startedAt) {
    return Math.round((System.nanoTime() - startedAt) / 1e6) / 1e3;
  }
}
