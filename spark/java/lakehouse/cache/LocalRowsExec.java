package lakehouse.cache;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.catalyst.plans.physical.SinglePartition$;
import org.apache.spark.sql.connector.read.streaming.SparkDataStream;
import org.apache.spark.sql.execution.LocalTableScanExec;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;

/** Spark's scan of local rows, which needs no job where the rows are the answer or are broadcast, and no exchange. */
public final class LocalRowsExec extends LocalTableScanExec {
  public LocalRowsExec(Seq<Attribute> output, Seq<InternalRow> rows, Option<SparkDataStream> stream) {
    super(output, rows, stream);
  }

  /** The rows themselves: they are in Spark's own binary form already. */
  @Override
  public InternalRow[] executeCollect() {
    return ScalaLists.asJava(rows()).toArray(new InternalRow[0]);
  }

  @Override
  public Iterator<InternalRow> executeToIterator() {
    return ScalaLists.ofArray(executeCollect()).iterator();
  }

  @Override
  public Tuple2<Object, Iterator<InternalRow>> executeCollectIterator() {
    InternalRow[] all = executeCollect();
    return new Tuple2<>(all.length + 0L, ScalaLists.ofArray(all).iterator());
  }

  /** One partition, which Spark makes where it is told to make no more; no rows are none. */
  @Override
  public Partitioning outputPartitioning() {
    boolean isOne = !ScalaLists.asJava(rows()).isEmpty() && session().leafNodeDefaultParallelism() == 1;
    return isOne ? SinglePartition$.MODULE$ : super.outputPartitioning();
  }
}
