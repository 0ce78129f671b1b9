package lakehouse.cache;

import java.util.function.Supplier;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/** Hands out its child's rows, and caches them once the last was fetched. */
public final class CacheResultExec extends SparkPlan {
  private final SparkPlan child;
  private final ResultKey key;

  public CacheResultExec(SparkPlan child, Object key) {
    this.child = child;
    this.key = (ResultKey) key;
  }

  /** Return the rows as the Thrift server fetches them. */
  @Override
  public Iterator<InternalRow> executeToIterator() {
    Iterator<InternalRow> rows = child.executeToIterator();
    CollectedRows collected = new CollectedRows(CacheLimits.MAX_RESULT_BYTES);
    return new AbstractIterator<>() {
      private boolean isCached;

      @Override
      public boolean hasNext() {
        boolean hasNext = orGiveUp(rows::hasNext);
        if (!hasNext && !isCached && collected.isWhole()) {
          isCached = true;
          ResultCache.keep(key, collected);
        }
        return hasNext;
      }

      @Override
      public InternalRow next() {
        InternalRow row = orGiveUp(rows::next);
        collected.add(row);
        return row;
      }

      /** A result with an error in it is never whole, also where a client goes on after it. */
      private <T> T orGiveUp(Supplier<T> step) {
        try {
          return step.get();
        } catch (Throwable error) {
          collected.giveUp();
          throw error;
        }
      }
    };
  }

  @Override
  public RDD<InternalRow> doExecute() {
    return child.execute();
  }

  @Override
  public InternalRow[] executeCollect() {
    return child.executeCollect();
  }

  @Override
  public InternalRow[] executeTake(int count) {
    return child.executeTake(count);
  }

  @Override
  public InternalRow[] executeTail(int count) {
    return child.executeTail(count);
  }

  @Override
  public Seq<Attribute> output() {
    return child.output();
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
  }

  @Override
  public Seq<SparkPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return new CacheResultExec(ScalaLists.first(children), key);
  }

  @Override
  public Iterator<Object> stringArgs() {
    return ScalaLists.<Object>empty().iterator();
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? child : key;
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof CacheResultExec;
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof CacheResultExec other && child.equals(other.child) && key.equals(other.key);
  }
}
