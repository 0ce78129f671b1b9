package lakehouse.serving;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of access: a JSON line for each session and each statement of a reader.
 *
 * <p>What has begun and not ended has its line in a file of its own. A server that was killed leaves it there, and the
 * next one appends it, so that the end of the server is the end of what ran in it.
 */
final class AccessJournal {
  static final String FOLDER = "spark.lakehouse.access.folder", DAYS = "spark.lakehouse.access.days";

  private static final String WRITER = "thrift", OPEN = ".open";
  private static final Logger LOG = LoggerFactory.getLogger(AccessJournal.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static Path open;
  private static JournalFile file;

  private AccessJournal() {}

  /** Take the folder, and write what a killed server had not ended. Raise IOException where nothing can be written. */
  static void start(Path folder, int days) throws IOException {
    file = new JournalFile(folder, WRITER, days, Clock.systemUTC());
    open = Files.createDirectories(folder.resolve(OPEN));
    List<Path> left;
    try (Stream<Path> files = Files.list(open)) {
      left = files.sorted().toList();
    }
    List<String> written = left.isEmpty() ? List.of() : file.lastLines();
    for (Path one : left) {
      String id = one.getFileName().toString();
      String line = Files.readString(one, StandardCharsets.UTF_8);
      // Killed between both steps of `end`, or while it wrote the file of something that had not begun.
      boolean isWritten = written.stream().anyMatch(known -> known.contains("\"id\":\"" + id + "\""));
      if (!id.endsWith(".part") && !isWritten) {
        file.append(line);
      }
      Files.delete(one);
    }
  }

  /** Write a line. Raise RefusedStatement where it cannot be written: what cannot be noted is not answered. */
  static void note(Map<String, Object> line) {
    try {
      file.append(toJson(line));
    } catch (IOException error) {
      throw refusal(error);
    }
  }

  /** Keep the line that is true if the server is killed now. Raise RefusedStatement where it cannot be written. */
  static void begin(String id, Map<String, Object> line) {
    try {
      Path part = open.resolve(id + ".part");
      Files.writeString(part, toJson(line), StandardCharsets.UTF_8);
      Files.move(part, open.resolve(id), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException error) {
      throw refusal(error);
    }
  }

  /** Write the line of something that has ended. One that cannot be written stays for the next start. */
  static void end(String id, Map<String, Object> line) {
    try {
      file.append(toJson(line));
      Files.deleteIfExists(open.resolve(id));
    } catch (IOException error) {
      LOG.error("access_line_not_written {}", error.getClass().getSimpleName());
    }
  }

  private static String toJson(Map<String, Object> line) throws JsonProcessingException {
    return JSON.writeValueAsString(line);
  }

  private static RefusedStatement refusal(IOException error) {
    LOG.error("access_line_not_written {}", error.getClass().getSimpleName());
    return new RefusedStatement("The journal of access cannot be written, so nothing is answered.");
  }
}
