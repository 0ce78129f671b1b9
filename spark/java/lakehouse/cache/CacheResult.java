package lakehouse.cache;

import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Option;
import scala.collection.Iterator;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/** The root of a query whose result is to be cached. */
public final class CacheResult extends LogicalPlan {
  private final LogicalPlan child;
  private final ResultKey key;

  public CacheResult(LogicalPlan child, Object key) {
    this.child = child;
    this.key = (ResultKey) key;
  }

  LogicalPlan child() {
    return child;
  }

  ResultKey key() {
    return key;
  }

  @Override
  public Seq<Attribute> output() {
    return child.output();
  }

  @Override
  public Option<Object> maxRows() {
    return child.maxRows();
  }

  @Override
  public Seq<LogicalPlan> children() {
    return ScalaLists.of(child);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return new CacheResult(ScalaLists.first(children), key);
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
    return that instanceof CacheResult;
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof CacheResult other && child.equals(other.child) && key.equals(other.key);
  }
}
