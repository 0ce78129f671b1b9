package lakehouse.testing;

import io.delta.storage.LogStore;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.stream.Stream;
import lakehouse.storage.HardLinkLogStore;
import org.apache.hadoop.conf.Configuration;

/**
 * Tries to commit every version of a log from 1 to a last one, and prints the versions that its store committed.
 *
 * <p>Arguments: the store's class, or "no links" for HardLinkLogStore on a file system without hard links; the log's
 * folder; this writer's name; the last version. It starts once a file named go is in the folder. Its lines are written
 * slowly, as on a busy disk, so that a gap between a store's check of the version and its commit stays open for long.
 */
public final class RacingWriter {
  private static final long DISK_MILLIS = 3;

  private RacingWriter() {}

  public static void main(String[] arguments) throws Exception {
    Configuration conf = new Configuration();
    conf.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    LogStore store = arguments[0].equals("no links")
        ? new HardLinkLogStore(conf, (name, file) -> { throw new FileSystemException(file.toString()); })
        : (LogStore) Class.forName(arguments[0]).getConstructor(Configuration.class).newInstance(conf);
    Path folder = Path.of(arguments[1]);
    String commit =
        "{\"commitInfo\":{\"timestamp\":0,\"operation\":\"RACE\",\"userMetadata\":\"" + arguments[2] + "\"}}";
    Files.createFile(folder.resolve("ready-" + arguments[2]));
    while (!Files.exists(folder.resolve("go"))) {
      Thread.sleep(1);
    }
    for (int version = 1; version <= Integer.parseInt(arguments[3]); version++) {
      Path file = folder.resolve(String.format("%020d.json", version));
      try {
        store.write(new org.apache.hadoop.fs.Path(file.toUri()), slowly(commit), false, conf);
        System.out.println(version);
      } catch (FileAlreadyExistsException exists) {
        // Another writer committed this version.
      }
    }
  }

  private static Iterator<String> slowly(String line) {
    return Stream.of(line).map(RacingWriter::delay).iterator();
  }

  private static String delay(String line) {
    try {
      Thread.sleep(DISK_MILLIS);
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
    return line;
  }
}
