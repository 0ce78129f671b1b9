package lakehouse.cache;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;

/**
 * Delta's catalog that remembers a view until anything changes in the metastore, and asks the metastore nothing about a
 * table's path. No other process uses the metastore: Derby admits one.
 */
public final class ViewCatalog extends DeltaCatalog {
  /** A view as it was after a number of changes in the metastore. */
  private record Remembered(long changes, Table view) {}

  private static final Map<Identifier, Remembered> VIEWS = new ConcurrentHashMap<>();
  private static final AtomicLong CHANGES = new AtomicLong();
  private static final int MAX_VIEWS = 1_000; // a name counts as often as it is spelt in other letters
  private static boolean isListening;

  @Override
  public Table loadTable(Identifier name) {
    if (isPathIdentifier(name)) {
      return loadPathTable(name);
    }
    listen();
    long changes = CHANGES.get();
    Remembered remembered = VIEWS.get(name);
    if (remembered != null && remembered.changes == changes) {
      return remembered.view;
    }
    Table table = super.loadTable(name);
    if (isView(table)) {
      if (VIEWS.size() >= MAX_VIEWS) {
        VIEWS.clear();
      }
      VIEWS.put(name, new Remembered(changes, table));
    }
    return table;
  }

  private static boolean isView(Table table) {
    return table instanceof V1Table v1 && v1.catalogTable().tableType().equals(CatalogTableType.VIEW());
  }

  private static synchronized void listen() {
    if (!isListening) {
      ExternalCatalogEventListener count = event -> CHANGES.incrementAndGet();
      SparkSession.active().sharedState().externalCatalog().addListener(count);
      isListening = true;
    }
  }
}
