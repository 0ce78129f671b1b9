package lakehouse.cache;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.fs.Path;
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
  private static final Map<Identifier, Table> VIEWS = new ConcurrentHashMap<>();
  private static final AtomicBoolean IS_LISTENING = new AtomicBoolean();
  private static final AtomicLong CHANGES = new AtomicLong();

  @Override
  public Table loadTable(Identifier name) {
    if (isPath(name)) {
      return loadPathTable(name);
    }
    listen();
    Table remembered = VIEWS.get(name);
    if (remembered != null) {
      return remembered;
    }
    long before = CHANGES.get();
    Table table = super.loadTable(name);
    if (isView(table)) {
      VIEWS.put(name, table);
      if (before != CHANGES.get()) {
        VIEWS.remove(name);
      }
    }
    return table;
  }

  private static boolean isPath(Identifier name) {
    return name.namespace().length == 1
        && name.namespace()[0].equalsIgnoreCase("delta")
        && new Path(name.name()).isAbsolute();
  }

  private static boolean isView(Table table) {
    return table instanceof V1Table v1 && v1.catalogTable().tableType().equals(CatalogTableType.VIEW());
  }

  private static void listen() {
    if (IS_LISTENING.compareAndSet(false, true)) {
      ExternalCatalogEventListener forget = event -> {
        CHANGES.incrementAndGet();
        VIEWS.clear();
      };
      SparkSession.active().sharedState().externalCatalog().addListener(forget);
    }
  }
}
