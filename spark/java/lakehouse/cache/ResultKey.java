package lakehouse.cache;

import java.util.Map;
import lakehouse.serving.Role;
import lakehouse.serving.SessionRoles;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What a result depends on: the plan, with the versions of its tables and without the names that do not matter, and who
 * asks with which settings.
 */
record ResultKey(LogicalPlan plan, Role role, Map<String, String> settings) {
  static ResultKey of(SparkSession session, LogicalPlan plan, Map<LogicalRelation, DeltaScan> scans) {
    LogicalPlan versioned = Scans.replace(
        plan, relation -> new VersionedTable(relation.output(), scans.get(relation).version()));
    return new ResultKey(versioned.canonicalized(), SessionRoles.of(session),
        Map.copyOf(CollectionConverters.asJava(session.sessionState().conf().getAllConfs())));
  }
}
