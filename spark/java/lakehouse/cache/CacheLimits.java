package lakehouse.cache;

/** What is small enough to be kept in memory. The server's heap is what thrift.conf says. */
final class CacheLimits {
  /** Rows of one table or one result, and bytes of each. */
  static final int MAX_ROWS = 20_000;
  static final long MAX_TABLE_BYTES = 8L << 20, MAX_RESULT_BYTES = 2L << 20;

  /** Bytes that a result's key takes: a plan with its views, and the settings. */
  static final long KEY_BYTES = 64L << 10;

  /** Bytes of all tables, and of all results. */
  static final long TABLE_BYTES = 48L << 20, RESULT_BYTES = 32L << 20;

  private CacheLimits() {}
}
