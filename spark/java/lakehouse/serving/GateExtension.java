package lakehouse.serving;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;
import scala.runtime.BoxedUnit;

/** Spark's session extension that checks each statement of a reader: as parsed, and again as analysed. */
public final class GateExtension implements Function1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser(GateParser::new);
    extensions.injectCheckRule(session -> plan -> {
      checkCommand(session, plan);
      return BoxedUnit.UNIT;
    });
    return BoxedUnit.UNIT;
  }

  /** Refuse a reader's command also where no text was parsed for it. Spark and Delta plan reads of their own here. */
  private static void checkCommand(SparkSession session, LogicalPlan plan) {
    if (SessionRoles.of(session) != Role.OWNER) {
      AnalysedQuery.refuseCommands(plan);
    }
  }
}
