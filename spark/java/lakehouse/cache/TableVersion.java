package lakehouse.cache;

/**
 * A table's version: its path, the id of its metadata, and the last commit's number and time in ms.
 *
 * <p>A table that is made anew under the same path has another id, and its commits other times.
 */
record TableVersion(String path, String id, long number, long committedAt) {
  /** Return whether this is an older version of the same table. */
  boolean isBefore(TableVersion other) {
    return path.equals(other.path) && id.equals(other.id) && number < other.number;
  }
}
