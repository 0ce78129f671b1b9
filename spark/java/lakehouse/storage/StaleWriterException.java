package lakehouse.storage;

import java.io.IOException;

/** The lease of a writer has passed to another one. Delta does not try such a commit again. */
public final class StaleWriterException extends IOException {
  private static final long serialVersionUID = 1L;

  public StaleWriterException(String message) {
    super(message);
  }
}
