package lakehouse.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Refuses the commit of a writer whose lease has passed to another one.
 *
 * <p>Whoever takes the lease of a job commits its number to the table's log, as the table property {@code
 * cdc.fence.<job>}. Each commit names the job and the number of its writer in its userMetadata, and a version up to
 * which the writer has seen no higher number. Before a version gets its name, all versions since that one are read.
 * They cannot change any more, and only one writer gets the version itself: no number can slip in between.
 *
 * <p>A commit without these fields is not looked at. Delta's transaction identifiers would do the same, at 400 ms a
 * commit: each look-up replays the table's log.
 */
final class CommitFence {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String COMMIT_INFO = "\"commitInfo\"";
  private static final String METADATA = "\"metaData\"";
  /** The last version of each writer and log in which this process found no higher number. */
  private static final Map<String, Long> CHECKED = new ConcurrentHashMap<>();

  private CommitFence() {}

  /** The writer of a commit: its job, the number of its lease, and the version up to which it has looked itself. */
  record Writer(String job, long number, long verified) {
    private String key(Path log) {
      return log + " " + job + " " + number;
    }
  }

  /** Returns the writer that a line of a version names; null where the line is no commitInfo of ours. */
  static Writer writerOf(String line) {
    if (!line.contains(COMMIT_INFO)) {
      return null;
    }
    try {
      JsonNode userMetadata = JSON.readTree(line).path("commitInfo").path("userMetadata");
      JsonNode writer = userMetadata.isTextual() ? JSON.readTree(userMetadata.asText()).path("writer") : userMetadata;
      return writer.hasNonNull("fence")
          ? new Writer(writer.path("job").asText(), writer.path("fence").asLong(), writer.path("verified").asLong())
          : null;
    } catch (JsonProcessingException notOurs) {
      return null;
    }
  }

  /** Throws StaleWriterException where a version before this one has a higher number of the writer's job. */
  static void check(Path version, Writer writer) throws IOException {
    long next = number(version);
    Path log = version.getParent();
    long checked = Math.max(writer.verified(), CHECKED.getOrDefault(writer.key(log), -1L));
    if (checked >= next) {
      checked = -1; // the table was deleted and created again
    }
    for (long earlier = checked + 1; earlier < next; earlier++) {
      long found = fenceIn(log.resolve(String.format("%020d.json", earlier)), writer.job());
      if (found > writer.number()) {
        throw new StaleWriterException(
            "the lease " + writer.number() + " of the job " + writer.job() + " has passed to lease " + found
                + ", which version " + earlier + " of " + log.getParent() + " says: nothing was committed");
      }
    }
    CHECKED.merge(writer.key(log), next - 1, Math::max);
  }

  /** Notes a version that this writer committed itself, so that it is not read again. */
  static void committed(Path version, Writer writer) {
    CHECKED.merge(writer.key(version.getParent()), number(version), Math::max);
  }

  /** Returns the number that a version sets for the job; -1 where it sets none. */
  private static long fenceIn(Path version, String job) throws IOException {
    long found = -1;
    try (BufferedReader lines = Files.newBufferedReader(version, StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.contains(METADATA)) {
          JsonNode properties = JSON.readTree(line).path("metaData").path("configuration");
          found = Math.max(found, properties.path("cdc.fence." + job).asLong(-1));
        }
      }
    } catch (NoSuchFileException removed) {
      throw new StaleWriterException(
          version + " was removed before this writer has read it, so its lease cannot be proved: nothing was committed");
    }
    return found;
  }

  private static long number(Path version) {
    String name = version.getFileName().toString();
    return Long.parseLong(name.substring(0, name.indexOf('.')));
  }
}
