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
 * Pauses a commit between the store's check of the version and its write.
 *
 * <p>The setting lakehouse.testing.store names the class of the store under test. A file .pause in the log's folder
 * requests a pause of the next commit. The store renames it to .paused then, and continues once that is deleted.
 */
public final class PausingLogStore extends LogStore {
  private static final long POLL_MILLIS = 5;
  private static final long TIMEOUT_NANOS = 60_000_000_000L;

  private final LogStore store;

  public PausingLogStore(Configuration conf) throws ReflectiveOperationException {
    super(conf);
    Class<?> named = Class.forName(conf.get("lakehouse.testing.store"));
    store = (LogStore) named.getConstructor(Configuration.class).newInstance(conf);
  }

  @Override
  public void write(
      org.apache.hadoop.fs.Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
      throws IOException {
    Path folder = Path.of(path.getParent().toUri().getPath());
    boolean pause = !overwrite && Files.exists(folder.resolve(".pause"));
    store.write(path, pause ? pauseAtEnd(actions, folder) : actions, overwrite, conf);
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

  private static Iterator<String> pauseAtEnd(Iterator<String> actions, Path folder) {
    return new Iterator<>() {
      private boolean paused;

      @Override
      public boolean hasNext() {
        if (actions.hasNext()) {
          return true;
        }
        if (!paused) {
          paused = true;
          awaitDeletion(folder);
        }
        return false;
      }

      @Override
      public String next() {
        return actions.next();
      }
    };
  }

  private static void awaitDeletion(Path folder) {
    Path paused = folder.resolve(".paused");
    long deadline = System.nanoTime() + TIMEOUT_NANOS;
    try {
      Files.move(folder.resolve(".pause"), paused);
      while (Files.exists(paused)) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("a commit was paused for a minute and not resumed: " + paused);
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (IOException | InterruptedException failed) {
      throw new IllegalStateException(failed);
    }
  }
}
