package lakehouse.cache;

import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LeafNode;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;
import scala.collection.Iterator;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/** A leaf of a plan with its columns; its text, in EXPLAIN or a log, has nothing else. */
abstract class CacheLeaf extends LogicalPlan implements LeafNode {
  private final Seq<Attribute> output;

  @SuppressWarnings("unchecked")
  CacheLeaf(Seq<? extends Attribute> output) {
    this.output = (Seq<Attribute>) output; // Scala's lists are covariant
  }

  /** Return what is equal in two equal leaves besides their columns. */
  abstract Object identity();

  @Override
  public Seq<Attribute> output() {
    return output;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return ScalaLists.empty();
  }

  @Override
  public LogicalPlan mapChildren(Function1<LogicalPlan, LogicalPlan> change) {
    return this;
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return this;
  }

  @Override
  public Iterator<Object> stringArgs() {
    return ScalaLists.<Object>of(output).iterator();
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof CacheLeaf;
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof CacheLeaf other && getClass() == other.getClass() && output.equals(other.output)
        && identity().equals(other.identity());
  }

  @Override
  public int hashCode() {
    return 31 * output.hashCode() + identity().hashCode();
  }
}
