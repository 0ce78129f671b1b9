package lakehouse.cache;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeRow;

/** Copies of rows up to the limits of one result or one table; beyond them it holds nothing. */
final class CollectedRows {
  private static final long OBJECT_BYTES = 64; // of a row's object, its array and the reference to it
  private List<InternalRow> rows = new ArrayList<>();
  private final long maxBytes;
  private long bytes = OBJECT_BYTES;

  CollectedRows(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Add a copy of a row, and return whether the limits allow more. */
  boolean add(InternalRow row) {
    if (rows == null) {
      return false;
    }
    bytes += OBJECT_BYTES + (row instanceof UnsafeRow unsafe ? unsafe.getSizeInBytes() : OBJECT_BYTES);
    if (rows.size() == CacheLimits.MAX_ROWS || bytes > maxBytes) {
      rows = null;
      return false;
    }
    rows.add(row.copy());
    return true;
  }

  /** Hold nothing: there is too much. */
  void giveUp() {
    rows = null;
  }

  boolean isWhole() {
    return rows != null;
  }

  InternalRow[] toArray() {
    return rows.toArray(new InternalRow[0]);
  }

  long bytes() {
    return bytes;
  }
}
