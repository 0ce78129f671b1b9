package lakehouse.serving;

/** What a session's role does not permit, in one sentence for its client. */
public final class RefusedStatement extends RuntimeException {
  /** The condition in front of the sentence, as Spark's own errors have one. */
  public static final String CONDITION = "[LAKEHOUSE_REFUSED] ";

  private static final long serialVersionUID = 1L;

  RefusedStatement(String sentence) {
    super(CONDITION + sentence, null, false, false);
  }

  /** The sentence for something that no list names. */
  static RefusedStatement unlisted(String thing) {
    return new RefusedStatement(thing + " is refused: a reader may SELECT from the views of its role, and SHOW, DESCRIBE, "
        + "USE or EXPLAIN them.");
  }

  /** Without the class's name, which says nothing to a reader. */
  @Override
  public String toString() {
    return getMessage();
  }
}
