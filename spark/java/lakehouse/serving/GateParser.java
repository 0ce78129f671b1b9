package lakehouse.serving;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.QueryPlanningTracker;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.CreateView;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.command.DescribeQueryCommand;
import org.apache.spark.sql.execution.command.ShowNamespacesCommand;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Seq;

/**
 * The parser of a session, which refuses what the session's role does not permit before anything is opened.
 *
 * <p>Spark parses a client's statement by parsePlan, and a view's query by parseQuery. A query of our own views is
 * trusted because its text is ours.
 */
final class GateParser implements ParserInterface {
  private final SparkSession session;
  private final ParserInterface spark;

  GateParser(SparkSession session, ParserInterface spark) {
    this.session = session;
    this.spark = spark;
  }

  @Override
  public LogicalPlan parsePlan(String text) throws ParseException {
    refuseVariables(text);
    return check(text, spark.parsePlan(text));
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) throws ParseException {
    refuseVariables(text);
    return check(text, spark.parsePlanWithParameters(text, parameters));
  }

  @Override
  public LogicalPlan parseQuery(String text) throws ParseException {
    if (SessionRoles.of(session) != Role.OWNER && !TrustedViews.contains(text)) {
      throw new RefusedStatement("A view is not read whose query is not of this version: run init_views.py.");
    }
    return spark.parseQuery(text);
  }

  private void refuseVariables(String text) {
    if (SessionRoles.of(session) != Role.OWNER) {
      StatementText.refuseVariables(text);
    }
  }

  /** Return the plan of an admitted statement; that of a query is analysed already. */
  private LogicalPlan check(String text, LogicalPlan plan) throws ParseException {
    Role role = SessionRoles.of(session);
    boolean isRoutine = role == Role.OWNER && OwnerRoutine.contains(plan);
    Optional<NotedStatement> noted = NotedStatements.parsed(session, text, isRoutine);
    if (role == Role.OWNER) {
      if (plan instanceof CreateView view && view.originalText().isDefined()) {
        TrustedViews.add(view.originalText().get());
      }
      return plan;
    }
    if (role == Role.NONE) {
      throw RefusedStatement.unlisted("A statement of a session without a login");
    }
    SessionRoles.checkSettings(session);
    String lake = session.sparkContext().conf().get(BronzeCount.LAKE, "");
    StatementGate.check(role, lake, text, plan);
    if (plan instanceof ShowNamespacesCommand show) {
      return spark.parsePlan(VisibleDatabases.query(existing(role), show.pattern()));
    }
    LogicalPlan subject = StatementGate.subjectOf(plan);
    LogicalPlan analysed = analyse(subject);
    if (BronzeCount.isParsed(subject, lake)) {
      BronzeCount.checkAnalysed(analysed);
      noted.ifPresent(statement -> statement.reads(List.of(BronzeCount.NAME)));
      return plan;
    }
    AnalysedQuery.check(analysed);
    if (subject instanceof DescribeQueryCommand described) {
      AnalysedQuery.check(analyse(described.plan()));
    }
    noted.ifPresent(statement -> statement.reads(ReadViews.of(analysed)));
    return subject == plan && !(plan instanceof Command) ? analysed : plan;
  }

  private List<String> existing(Role role) {
    return role.databases().stream().filter(session.sessionState().catalog()::databaseExists).toList();
  }

  private LogicalPlan analyse(LogicalPlan plan) {
    return session.sessionState().analyzer().executeAndCheck(plan, new QueryPlanningTracker(Option.empty()));
  }

  @Override
  public Expression parseExpression(String text) throws ParseException {
    return spark.parseExpression(text);
  }

  @Override
  public TableIdentifier parseTableIdentifier(String text) throws ParseException {
    return spark.parseTableIdentifier(text);
  }

  @Override
  public FunctionIdentifier parseFunctionIdentifier(String text) throws ParseException {
    return spark.parseFunctionIdentifier(text);
  }

  @Override
  public Seq<String> parseMultipartIdentifier(String text) throws ParseException {
    return spark.parseMultipartIdentifier(text);
  }

  @Override
  public StructType parseTableSchema(String text) throws ParseException {
    return spark.parseTableSchema(text);
  }

  @Override
  public DataType parseDataType(String text) throws ParseException {
    return spark.parseDataType(text);
  }

  @Override
  public StructType parseRoutineParam(String text) throws ParseException {
    return spark.parseRoutineParam(text);
  }
}
