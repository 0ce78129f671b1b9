package lakehouse.cache;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.classic.SparkSession;

/** The rows of small tables, each at the newest version that was asked for. */
final class TableCache {
  /** A table's rows at a version; none where it is too large. */
  private record Loaded(TableVersion version, Optional<InternalRow[]> rows) {}

  private static final LruCache<String, Loaded> TABLES = new LruCache<>(CacheLimits.TABLE_BYTES);
  // One loads a table, and who asks for the same one waits for it.
  private static final Map<String, Object> LOCKS = new ConcurrentHashMap<>();

  private TableCache() {}

  /** Return the rows of a scan; none where they are too many, or where a newer version was asked for before. */
  static Optional<InternalRow[]> rows(SparkSession session, DeltaScan scan) {
    if (!scan.isOfColumns()) {
      return Optional.empty();
    }
    TableVersion version = scan.version();
    Optional<Loaded> found = TABLES.find(version.path());
    if (found.isEmpty() || !found.get().version.equals(version)) {
      synchronized (LOCKS.computeIfAbsent(version.path(), path -> new Object())) {
        found = TABLES.find(version.path());
        if (found.isEmpty() || !found.get().version.equals(version) && !version.isBefore(found.get().version)) {
          found = Optional.of(load(session, scan));
        }
      }
    }
    return found.get().version.equals(version) ? found.get().rows : Optional.empty();
  }

  private static Loaded load(SparkSession session, DeltaScan scan) {
    CollectedRows rows = TableLoader.load(session, scan);
    Loaded loaded = new Loaded(scan.version(), rows.isWhole() ? Optional.of(rows.toArray()) : Optional.empty());
    TABLES.keep(scan.path(), loaded, rows.isWhole() ? rows.bytes() : 0);
    return loaded;
  }
}
