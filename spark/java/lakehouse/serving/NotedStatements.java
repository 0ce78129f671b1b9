package lakehouse.serving;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.hive.service.cli.operation.Operation;
import org.apache.hive.service.rpc.thrift.TColumn;
import org.apache.hive.service.rpc.thrift.TRowSet;
import org.apache.hive.service.rpc.thrift.TStatus;
import org.apache.hive.service.rpc.thrift.TStatusCode;
import org.apache.spark.sql.SparkSession;
import org.apache.thrift.TBase;
import org.apache.thrift.TFieldIdEnum;

/** The statements that have not ended, by what the server knows of them at each step. */
final class NotedStatements {
  private static final Set<NotedStatement> OPEN = ConcurrentHashMap.newKeySet();

  private NotedStatements() {}

  /** Note that a statement is asked. Raise RefusedStatement where that cannot be written. */
  static NotedStatement asked(Caller caller, SparkSession session, String text) {
    NotedStatement statement = new NotedStatement(caller, session, text);
    statement.begin();
    OPEN.add(statement);
    return statement;
  }

  /** Spark has parsed a text in a session: return the statement that it is of; none is where no client asked it. */
  static Optional<NotedStatement> parsed(SparkSession session, String text, boolean isRoutine) {
    for (NotedStatement open : OPEN) {
      if (isOf(open, session, text) && open.parsed(isRoutine)) {
        return Optional.of(open);
      }
    }
    return Optional.empty();
  }

  /** Take the server's answer: an error ends the statement, else it goes on as an operation. */
  static void answered(NotedStatement statement, TStatus status, Operation operation) {
    statement.runsAs(operation);
    if (isError(status)) {
      statement.failed(ErrorCondition.in(status.getErrorMessage()));
      end(statement);
    }
  }

  static void fetched(String operation, TStatus status, TRowSet rows) {
    first(open -> open.runsAs(operation), open -> {
      if (isError(status)) {
        open.failed(ErrorCondition.in(status.getErrorMessage()));
      } else {
        open.fetched(count(rows));
      }
    });
  }

  static void cancelled(String operation) {
    first(open -> open.runsAs(operation), NotedStatement::cancelled);
  }

  static void closing(String operation) {
    first(open -> open.runsAs(operation), NotedStatement::closing);
  }

  static void closingSession(String session) {
    OPEN.stream().filter(open -> session.equals(open.caller.session())).forEach(NotedStatement::closing);
  }

  /** Write the line of an operation that is closed, by whomever; a second call does nothing. */
  static void ended(String operation) {
    first(open -> open.runsAs(operation), NotedStatements::end);
  }

  static void endedSession(String session) {
    OPEN.stream().filter(open -> session.equals(open.caller.session())).forEach(NotedStatements::end);
  }

  /** Whoever ends it later waits until its line is written: it is removed only then. */
  private static void end(NotedStatement statement) {
    statement.end();
    OPEN.remove(statement);
  }

  private static void first(Predicate<NotedStatement> condition, Consumer<NotedStatement> then) {
    OPEN.stream().filter(condition).findFirst().ifPresent(then);
  }

  private static boolean isOf(NotedStatement statement, SparkSession session, String text) {
    return statement.session == session && Objects.equals(statement.text, text);
  }

  private static boolean isError(TStatus status) {
    return status.getStatusCode() == TStatusCode.ERROR_STATUS
        || status.getStatusCode() == TStatusCode.INVALID_HANDLE_STATUS;
  }

  /** Return the number of rows, which is that of any column's values: field 1 of each of Hive's columns. */
  @SuppressWarnings({"rawtypes", "unchecked"})
  private static int count(TRowSet rows) {
    if (rows == null || rows.getColumnsSize() == 0) {
      return rows == null ? 0 : rows.getRowsSize();
    }
    TColumn column = rows.getColumns().get(0);
    TBase values = (TBase) column.getFieldValue();
    return ((List<?>) values.getFieldValue((TFieldIdEnum) values.fieldForId(1))).size();
  }
}
