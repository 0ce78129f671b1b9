package lakehouse.cache;

import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.execution.datasources.LogicalRelation;

/** Replaces an analysed query by its cached result, else the scans of small tables by their rows. */
final class CacheRule extends Rule<LogicalPlan> {
  /** Whether a session's queries are answered from memory; only the owner may change it. */
  static final String ENABLED = "spark.lakehouse.cache.enabled";

  private final org.apache.spark.sql.classic.SparkSession session;

  CacheRule(SparkSession session) {
    this.session = (org.apache.spark.sql.classic.SparkSession) session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (!isEnabled() || plan instanceof Command || OptimisticTransaction.getActive().isDefined()) {
      return plan;
    }
    CacheablePlan parts = CacheablePlan.of(plan);
    Map<LogicalRelation, DeltaScan> scans = parts.scans();
    if (scans.isEmpty() || parts.namesFiles()) {
      return plan;
    }
    if (!parts.isRepeatable(scans.keySet())) {
      return withRows(plan, scans);
    }
    ResultKey key = ResultKey.of(session, plan, scans);
    Optional<InternalRow[]> result = ResultCache.find(key);
    return result.isPresent() ? new RowsInMemory(plan.output(), result.get(), plan::stats)
        : new CacheResult(withRows(plan, scans), key);
  }

  private boolean isEnabled() {
    return !TableLoader.isLoading() && session.sessionState().conf().getConfString(ENABLED, "false").equals("true");
  }

  private LogicalPlan withRows(LogicalPlan plan, Map<LogicalRelation, DeltaScan> scans) {
    return Scans.replace(plan, relation -> {
      Optional<InternalRow[]> rows =
          Optional.ofNullable(scans.get(relation)).flatMap(scan -> TableCache.rows(session, scan));
      if (rows.isPresent()) {
        return new RowsInMemory(relation.output(), rows.get(), relation::stats);
      }
      return scans.containsKey(relation) ? scans.get(relation).pinned(session) : relation;
    });
  }
}
