package lakehouse.serving;

import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The sessions in the journal of access: opened, refused, closed by their client, or cut off. */
final class NotedSessions {
  /** An open session; the client closes it, or it is cut off. */
  private static final class Open {
    private final Caller caller;
    private final long startedAt = System.nanoTime();
    private volatile boolean isClosedByClient;
    private boolean hasEnded;

    private Open(Caller caller) {
      this.caller = caller;
    }

    /** Write the session's line; a second call waits for the first, and does nothing. */
    private synchronized void end(String session) {
      if (!hasEnded) {
        hasEnded = true;
        Map<String, Object> line = caller.line(Instant.now(), isClosedByClient ? "session_closed" : "session_cut", session);
        line.put("seconds", Caller.secondsSince(startedAt));
        AccessJournal.end(session, line);
      }
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(NotedSessions.class);
  private static final Map<String, Open> OPEN = new ConcurrentHashMap<>();

  private NotedSessions() {}

  /** Note a reader's session. The initialiser opens one every few seconds. Raise RefusedStatement where it cannot. */
  static void opened(Caller caller) {
    if (caller.role() != Role.OWNER) {
      AccessJournal.note(caller.line(Instant.now(), "session_opened", null));
      AccessJournal.begin(caller.session(), caller.line(Instant.now(), "session_cut", caller.session()));
      OPEN.put(caller.session(), new Open(caller));
    }
  }

  static void refused(Caller caller, String message) {
    noteRefusal(caller, "session_refused", ErrorCondition.in(message));
  }

  /** Note a refused login. A name that the server does not know is left out: it may be a password. */
  static void loginRefused(String user, String client) {
    noteRefusal(new Caller(null, Logins.isKnown(user) ? user : null, Role.NONE, client), "login_refused", null);
  }

  /** Note that the client closes its session itself. */
  static void closing(String session) {
    Open open = OPEN.get(session);
    if (open != null) {
      open.isClosedByClient = true;
    }
    NotedStatements.closingSession(session);
  }

  /** Write the lines of a session that is closed, by whomever, and of its statements; a second call does nothing. */
  static void ended(String session) {
    NotedStatements.endedSession(session);
    Open open = OPEN.get(session);
    if (open != null) {
      open.end(session);
      OPEN.remove(session);
    }
  }

  private static void noteRefusal(Caller caller, String event, String condition) {
    Map<String, Object> line = caller.line(Instant.now(), event, null);
    line.put("condition", condition);
    try {
      AccessJournal.note(line);
    } catch (RefusedStatement unwritten) {
      LOG.error("access_refusal_not_written");
    }
  }
}
