package lakehouse.serving;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.operation.Operation;
import org.apache.spark.sql.SparkSession;

/** One statement from its asking to its end, and its line in the journal of access. */
final class NotedStatement {
  final String id = UUID.randomUUID().toString();
  final Caller caller;
  final SparkSession session;
  final String text;
  private final Instant at = Instant.now();
  private final long startedAt = System.nanoTime();
  private Operation operation;
  private boolean isParsed, isRoutine, isCancelled, isClosedByClient, isFetched, hasEnded;
  private List<String> views = List.of();
  private String condition;
  private long rows;
  private double seconds = -1;

  NotedStatement(Caller caller, SparkSession session, String text) {
    this.caller = caller;
    this.session = session;
    this.text = text;
  }

  /**
   * Note that the parser has this statement, and return whether it had not before: of two open statements with one
   * text, each is parsed once. A routine statement of the initialiser is not noted.
   */
  synchronized boolean parsed(boolean isRoutineOfOwner) {
    if (isParsed) {
      return false;
    }
    isParsed = true;
    isRoutine = isRoutineOfOwner;
    begin();
    return true;
  }

  synchronized void reads(List<String> names) {
    views = names;
    begin();
  }

  /** Keep the statement's line for the case that the server is killed. The owner's wait for the parser. */
  synchronized void begin() {
    if (!hasEnded && !isRoutine && (isParsed || caller.role() != Role.OWNER)) {
      AccessJournal.begin(id, line("cut", null, null));
    }
  }

  synchronized void runsAs(Operation answered) {
    operation = answered;
  }

  boolean runsAs(String operationId) {
    return operation != null
        && operation.getHandle().getHandleIdentifier().getPublicId().toString().equals(operationId);
  }

  synchronized void failed(String errorCondition) {
    condition = errorCondition;
    seconds = Caller.secondsSince(startedAt);
  }

  /** Add the rows that a client was sent; none are the end of the result. */
  synchronized void fetched(int count) {
    rows += count;
    isFetched = count == 0;
    seconds = Caller.secondsSince(startedAt);
  }

  synchronized void cancelled() {
    isCancelled = true;
  }

  /** Note that the client ends the statement itself, and with what state it does so. */
  synchronized void closing() {
    isClosedByClient = true;
    isCancelled |= operation != null && operation.isRunning();
  }

  /** Write the statement's line; a second call does nothing. */
  synchronized void end() {
    if (hasEnded) {
      return;
    }
    hasEnded = true;
    if (isRoutine) {
      return;
    }
    HiveSQLException error = operation == null ? null : operation.getStatus().getOperationException();
    if (condition == null && error != null) {
      condition = ErrorCondition.in(error.getMessage());
    }
    AccessJournal.end(id, line(outcome(), rows, seconds < 0 ? Caller.secondsSince(startedAt) : seconds));
  }

  private String outcome() {
    if (isCancelled) {
      return "cancelled";
    } else if (condition != null) {
      return condition.equals(ErrorCondition.REFUSED) ? "refused" : "failed";
    }
    return isClosedByClient || isFetched ? "answered" : "cut";
  }

  private Map<String, Object> line(String outcome, Long fetchedRows, Double afterSeconds) {
    // A column that does not exist may be a value without its quotes.
    boolean isUnderstood = isParsed && (condition == null || !condition.startsWith("UNRESOLVED_"));
    Map<String, Object> line = caller.line(at, "statement", id);
    line.put("asked", MaskedStatement.mask(text, isUnderstood));
    line.put("views", views);
    line.put("outcome", outcome);
    line.put("condition", condition);
    line.put("rows", fetchedRows);
    line.put("seconds", afterSeconds);
    return line;
  }
}
