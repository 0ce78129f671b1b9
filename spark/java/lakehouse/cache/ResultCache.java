package lakehouse.cache;

import java.util.Optional;
import org.apache.spark.sql.catalyst.InternalRow;

/** The results of queries, of which the one that was used longest ago goes first. */
final class ResultCache {
  private static final LruCache<ResultKey, InternalRow[]> RESULTS = new LruCache<>(CacheLimits.RESULT_BYTES);

  private ResultCache() {}

  static Optional<InternalRow[]> find(ResultKey key) {
    return RESULTS.find(key);
  }

  static void keep(ResultKey key, CollectedRows rows) {
    RESULTS.keep(key, rows.toArray(), rows.bytes() + CacheLimits.KEY_BYTES);
  }
}
