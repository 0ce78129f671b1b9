package lakehouse.cache;

/** What is small enough to be kept in memory. The server's heap is what thrift.conf says. */
final class CacheLimits {
  /** Rows and bytes of one table or one result. */
  static final int MAX_ROWS = 20_000;
  static final long MAX_BYTES = 8L << 20;

  /** Bytes of all tables, and of all results. */
  static final long TABLE_BYTES = 48L << 20, RESULT_BYTES = 32L << 20;

  private CacheLimits() {}
}
