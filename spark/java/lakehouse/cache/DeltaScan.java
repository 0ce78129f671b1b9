package lakehouse.cache;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.Snapshot;
import org.apache.spark.sql.delta.SnapshotDescriptor;
import org.apache.spark.sql.delta.files.TahoeLogFileIndex;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.StructField;
import scala.Option;

/** The scan of a Delta table in an analysed question, and the version at which it is read. */
record DeltaScan(LogicalRelation relation, HadoopFsRelation files, TahoeLogFileIndex index, Snapshot snapshot) {
  static Optional<DeltaScan> of(LogicalRelation relation) {
    if (relation.isStreaming()
        || !(relation.relation() instanceof HadoopFsRelation files)
        || !(files.location() instanceof TahoeLogFileIndex index)
        || !ScalaLists.asJava(index.partitionFilters()).isEmpty()) {
      return Optional.empty();
    }
    return snapshot(index).map(snapshot -> new DeltaScan(relation, files, index, snapshot));
  }

  /** Return the snapshot to read: the newest now, where it has the metadata that the analysis found. */
  private static Optional<Snapshot> snapshot(TahoeLogFileIndex index) {
    SnapshotDescriptor analysed = index.snapshotAtAnalysis();
    if (analysed instanceof Snapshot snapshot) {
      return Optional.of(snapshot);
    }
    Snapshot newest = index.getSnapshot();
    boolean isSame =
        newest.metadata().equals(analysed.metadata()) && newest.protocol().equals(analysed.protocol());
    return isSame ? Optional.of(newest) : Optional.empty();
  }

  String path() {
    return index.deltaLog().dataPath().toString();
  }

  TableVersion version() {
    return new TableVersion(path(), snapshot.metadata().id(), snapshot.version(),
        snapshot.logSegment().lastCommitFileModificationTimestamp());
  }

  /** Return whether the scan gives the table's columns and no others, such as those of its files. */
  boolean isOfColumns() {
    List<? extends Attribute> columns = ScalaLists.asJava(relation.output());
    StructField[] fields = files.schema().fields();
    if (columns.size() != fields.length) {
      return false;
    }
    for (int n = 0; n < fields.length; n++) {
      if (!columns.get(n).name().equals(fields[n].name()) || !columns.get(n).dataType().equals(fields[n].dataType())) {
        return false;
      }
    }
    return true;
  }

  /** Return the scan of this very version in a session; Spark's own would read the newest when it runs. */
  LogicalRelation pinned(SparkSession session) {
    TahoeLogFileIndex pinned = index.copy(session, index.deltaLog(), index.path(), snapshot, index.catalogTableOpt(),
        index.partitionFilters(), true);
    HadoopFsRelation pinnedFiles = files.copy(pinned, files.partitionSchema(), files.dataSchema(), files.bucketSpec(),
        files.fileFormat(), files.options(), session);
    return relation.copy(pinnedFiles, relation.output(), relation.catalogTable(), false, Option.empty());
  }
}
