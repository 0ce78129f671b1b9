package lakehouse.testing;

import io.delta.storage.CloseableIterator;
import io.delta.storage.LogStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;

/**
 * Holds a commit open between the store's look for the version and its writing of it.
 *
 * <p>The store under test is named by the setting lakehouse.testing.store. A file .hold in the log's folder asks for
 * one commit to be held; the store renames it to .held once it is, and goes on when that is deleted.
 */
public final class HeldLogStore extends LogStore {
  private static final long POLL_MILLIS = 5;
  private static final long TIMEOUT_NANOS = 60_000_000_000L;

  private final LogStore store;

  public HeldLogStore(Configuration conf) throws ReflectiveOperationException {
    super(conf);
    Class<?> named = Class.forName(conf.get("lakehouse.testing.store"));
    store = (LogStore) named.getConstructor(Configuration.class).newInstance(conf);
  }

  @Override
  public void write(
      org.apache.hadoop.fs.Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
      throws IOException {
    Path folder = Path.of(path.getParent().toUri().getPath());
    boolean hold = !overwrite && Files.exists(folder.resolve(".hold"));
    store.write(path, hold ? held(actions, folder) : actions, overwrite, conf);
  }

  @Override
  public CloseableIterator<String> read(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    return store.read(path, conf);
  }

  @Override
  public Iterator<FileStatus> listFrom(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    return store.listFrom(path, conf);
  }

  @Override
  public org.apache.hadoop.fs.Path resolvePathOnPhysicalStorage(org.apache.hadoop.fs.Path path, Configuration conf)
      throws IOException {
    return store.resolvePathOnPhysicalStorage(path, conf);
  }

  @Override
  public Boolean isPartialWriteVisible(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    return store.isPartialWriteVisible(path, conf);
  }

  private static Iterator<String> held(Iterator<String> actions, Path folder) {
    return new Iterator<>() {
      private boolean done;

      @Override
      public boolean hasNext() {
        if (actions.hasNext()) {
          return true;
        }
        if (!done) {
          done = true;
          await(folder);
        }
        return false;
      }

      @Override
      public String next() {
        return actions.next();
      }
    };
  }

  private static void await(Path folder) {
    Path held = folder.resolve(".held");
    long deadline = System.nanoTime() + TIMEOUT_NANOS;
    try {
      Files.move(folder.resolve(".hold"), held);
      while (Files.exists(held)) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("a commit was held for a minute, and nobody let it go: " + held);
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (IOException | InterruptedException failed) {
      throw new IllegalStateException(failed);
    }
  }
}
