package lakehouse.storage;

import io.delta.storage.HadoopFileSystemLogStore;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Iterator;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits a table's versions on a local disk, each exactly once, whichever processes write the table.
 *
 * <p>A version is written to a temporary file in the same folder, synced, and given its name by link(2), which fails
 * where the name exists. delta-rs commits in the same way, so that neither can overwrite the other's version.
 * io.delta.storage.LocalLogStore renames over a version that another process committed since its check; HDFSLogStore
 * does the same in a smaller window.
 *
 * <p>Where a file system has no hard links (exFAT, some network shares), the name is reserved by an empty file created
 * with O_EXCL, and the version is renamed over it. Until then the listing leaves it out.
 */
public final class HardLinkLogStore extends HadoopFileSystemLogStore {
  /** Creates a hard link, or fails where the name exists, as link(2) does. */
  public interface Linker {
    void link(Path name, Path file) throws IOException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(HardLinkLogStore.class);
  /** The block size of RawLocalFileSystem, in bytes. */
  private static final long BLOCK_SIZE = 32L * 1024 * 1024;
  private static final AtomicBoolean SAID = new AtomicBoolean();
  /** A version is empty until its rename; a writer that was killed before that leaves it empty. */
  private static final long EMPTY_TIMEOUT_NANOS = 10_000_000_000L;
  private static final long EMPTY_POLL_MILLIS = 5;

  private final Linker linker;

  public HardLinkLogStore(Configuration conf) {
    this(conf, Files::createLink);
  }

  public HardLinkLogStore(Configuration conf, Linker linker) {
    super(conf);
    this.linker = linker;
  }

  @Override
  public void write(
      org.apache.hadoop.fs.Path path, Iterator<String> actions, Boolean overwrite, Configuration conf)
      throws IOException {
    Path version = Path.of(path.toUri().getPath());
    Path written = version.resolveSibling("." + version.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      CommitFence.Writer writer = writeSynced(written, actions);
      if (overwrite) {
        Files.move(written, version, StandardCopyOption.ATOMIC_MOVE);
      } else if (writer == null) {
        commit(version, written);
      } else {
        CommitFence.check(version, writer);
        commit(version, written);
        CommitFence.committed(version, writer);
      }
    } finally {
      Files.deleteIfExists(written);
    }
  }

  /**
   * Returns the files from this name on, sorted by name, without the versions that are still empty.
   *
   * <p>Only the status of these is read, however long the log is.
   */
  @Override
  public Iterator<FileStatus> listFrom(org.apache.hadoop.fs.Path path, Configuration conf) throws IOException {
    org.apache.hadoop.fs.Path folder = path.getFileSystem(conf).makeQualified(path.getParent());
    String[] names = new File(folder.toUri().getPath()).list();
    if (names == null) {
      throw new FileNotFoundException(folder + " cannot be listed");
    }
    return Arrays.stream(names)
        .filter(name -> name.compareTo(path.getName()) >= 0)
        .sorted()
        .map(name -> status(folder, name))
        .filter(file -> file != null && (file.getLen() > 0 || file.isDirectory()))
        .iterator();
  }

  /** Returns true: Delta writes checkpoints, which bypass this class, to a temporary file and renames it. */
  @Override
  public Boolean isPartialWriteVisible(org.apache.hadoop.fs.Path path, Configuration conf) {
    return true;
  }

  /** Returns a file's status for a listing; null where the file was deleted meanwhile. */
  private static FileStatus status(org.apache.hadoop.fs.Path folder, String name) {
    File file = new File(folder.toUri().getPath(), name);
    try {
      BasicFileAttributes found = Files.readAttributes(file.toPath(), BasicFileAttributes.class);
      long modified = found.lastModifiedTime().toMillis();
      org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(folder, name);
      return new FileStatus(found.size(), found.isDirectory(), 1, BLOCK_SIZE, modified, path);
    } catch (NoSuchFileException gone) {
      return null;
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  /** Writes the lines and syncs them; returns the writer that they name, null where they name none. */
  private static CommitFence.Writer writeSynced(Path file, Iterator<String> lines) throws IOException {
    CommitFence.Writer writer = null;
    try (FileOutputStream opened = new FileOutputStream(file.toFile());
        OutputStream out = new BufferedOutputStream(opened)) {
      while (lines.hasNext()) {
        String line = lines.next();
        writer = writer == null ? CommitFence.writerOf(line) : writer;
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
      out.flush();
      opened.getFD().sync();
    }
    return writer;
  }

  private void commit(Path version, Path written) throws IOException {
    try {
      linker.link(version, written);
      if (SAID.compareAndSet(false, true)) {
        LOG.info("log_store_ready: versions below {} are committed by hard links", version.getParent());
      }
    } catch (FileAlreadyExistsException taken) {
      // A network file system that repeats a request finds the link that its first request created.
      if (!Files.isSameFile(version, written)) {
        awaitContent(version);
        throw taken;
      }
    } catch (UnsupportedOperationException | FileSystemException withoutLinks) {
      if (SAID.compareAndSet(false, true)) {
        LOG.warn("log_store_without_links: versions below {} are committed by O_EXCL: {}",
            version.getParent(), withoutLinks.toString());
      }
      commitExclusively(version, written);
    }
  }

  private static void commitExclusively(Path version, Path written) throws IOException {
    try {
      Files.createFile(version);
    } catch (FileAlreadyExistsException taken) {
      awaitContent(version);
      throw taken;
    }
    try {
      Files.move(written, version, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failed) {
      Files.delete(version);
      throw failed;
    }
  }

  /** Waits until another writer's version has its content, so that a listing shows it to the loser of the race. */
  private static void awaitContent(Path version) throws IOException {
    long deadline = System.nanoTime() + EMPTY_TIMEOUT_NANOS;
    while (Files.exists(version) && Files.size(version) == 0) {
      if (System.nanoTime() > deadline) {
        throw new IOException(
            version + " is empty: a writer was killed while it committed. Once no process writes this table, delete it.");
      }
      try {
        Thread.sleep(EMPTY_POLL_MILLIS);
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while another writer commits " + version, stopped);
      }
    }
  }
}
