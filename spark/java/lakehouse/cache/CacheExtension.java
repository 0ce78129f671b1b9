package lakehouse.cache;

import org.apache.spark.sql.SparkSessionExtensions;
import scala.Function1;
import scala.runtime.BoxedUnit;

/**
 * Spark's session extension that answers from memory what it can: small tables at the version that their log has now,
 * and results that were computed from the same versions before.
 *
 * <p>Its rule comes after the analysis and its checks: who may see what was decided on the tables themselves.
 */
public final class CacheExtension implements Function1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectPlanNormalizationRule(CacheRule::new);
    extensions.injectPlannerStrategy(session -> new CacheStrategy());
    return BoxedUnit.UNIT;
  }
}
