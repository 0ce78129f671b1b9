package lakehouse.serving;

import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.command.ExplainCommand;

/** The check of a statement before anything is looked up: its text, its kind, and each part of its parsed plan. */
public final class StatementGate {
  private StatementGate() {}

  /** Return why a role is refused a statement as it is parsed, or null. A statement that is none has Spark's error. */
  public static String refusal(ParserInterface parser, String role, String lake, String text) {
    try {
      StatementText.refuseVariables(text);
      check(Role.valueOf(role), lake, text, parser.parsePlan(text));
      return null;
    } catch (Exception refusal) { // Scala's methods do not declare ParseException.
      return refusal.getMessage();
    }
  }

  /** Raise RefusedStatement where a role may not ask the statement. */
  static void check(Role role, String lake, String text, LogicalPlan plan) {
    StatementText.check(text);
    if (!role.countsBronze() || !BronzeCount.isParsed(subjectOf(plan), lake)) {
      new ParsedStatement(role).check(plan);
    }
  }

  /** Return what an EXPLAIN explains, else the plan itself. */
  static LogicalPlan subjectOf(LogicalPlan plan) {
    return plan instanceof ExplainCommand explain ? subjectOf(explain.logicalPlan()) : plan;
  }
}
