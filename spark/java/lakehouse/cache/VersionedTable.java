package lakehouse.cache;

import org.apache.spark.sql.catalyst.expressions.Attribute;
import scala.collection.immutable.Seq;

/** A table's version in the place of its scan, which would keep the session of who asked in memory. */
public final class VersionedTable extends CacheLeaf {
  private final TableVersion version;

  public VersionedTable(Seq<? extends Attribute> output, Object version) {
    super(output);
    this.version = (TableVersion) version;
  }

  @Override
  Object identity() {
    return version;
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? output() : version;
  }
}
