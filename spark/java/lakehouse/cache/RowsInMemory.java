package lakehouse.cache;

import java.util.function.Supplier;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.Statistics;
import scala.collection.immutable.Seq;

/**
 * Rows in memory in the place of a plan, with the plan's size, so that the rest is planned as it would be without them.
 *
 * <p>Spark's own LocalRelation would be computed with while the query is planned, where neither a limit nor a cancel
 * ends it, and with columns that nobody reads: one of them may be an error.
 */
public final class RowsInMemory extends CacheLeaf {
  private final InternalRow[] rows;
  private final Supplier<Statistics> size;

  public RowsInMemory(Seq<? extends Attribute> output, InternalRow[] rows, Supplier<Statistics> size) {
    super(output);
    this.rows = rows;
    this.size = size;
  }

  InternalRow[] rows() {
    return rows;
  }

  @Override
  Object identity() {
    return rows;
  }

  @Override
  public Statistics computeStats() {
    return size.get();
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? output() : n == 1 ? rows : size;
  }
}
