package lakehouse.serving;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.LocalDate;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One writer's lines in a folder of journals: a new file each day (UTC) and each 16 MiB, for its group to read.
 *
 * <p>Files of days that are past the stated number are deleted, whoever wrote them. access_journal.py does the same.
 */
final class JournalFile {
  private static final Pattern NAME = Pattern.compile("[a-z_]+-(\\d{4}-\\d{2}-\\d{2})(\\.\\d+)?\\.jsonl");
  private static final long MAX_BYTES = 16L << 20;

  private final Path folder;
  private final String writer;
  private final int days;
  private final Clock clock;
  private FileChannel channel;
  private LocalDate day;
  private boolean isTorn;

  JournalFile(Path folder, String writer, int days, Clock clock) {
    this.folder = folder;
    this.writer = writer;
    this.days = days;
    this.clock = clock;
  }

  /** Append a line, which a reader sees at once. A line that could be written in part only is ended by the next. */
  synchronized void append(String line) throws IOException {
    LocalDate today = LocalDate.now(clock);
    if (channel == null || !today.equals(day) || channel.size() >= MAX_BYTES) {
      open(today);
    }
    ByteBuffer bytes = ByteBuffer.wrap(((isTorn ? "\n" : "") + line + "\n").getBytes(StandardCharsets.UTF_8));
    isTorn = true;
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    isTorn = false;
  }

  /** Return the lines of this writer's last file, a torn one included. */
  synchronized List<String> lastLines() throws IOException {
    Path last = null;
    try (Stream<Path> files = Files.list(folder)) {
      last = files.filter(file -> isOwn(file.getFileName().toString())).max(this::compare).orElse(null);
    }
    return last == null ? List.of()
        : new String(Files.readAllBytes(last), StandardCharsets.UTF_8).lines().toList();
  }

  private void open(LocalDate today) throws IOException {
    if (channel != null) {
      channel.close();
    }
    int part = 0;
    while (Files.exists(path(today, part)) && Files.size(path(today, part)) >= MAX_BYTES) {
      part++;
    }
    Path file = path(today, part);
    isTorn = isTorn(file);
    channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    day = today;
    deleteBefore(today.minusDays(days));
  }

  private Path path(LocalDate date, int part) {
    return folder.resolve(writer + "-" + date + (part == 0 ? "" : "." + part) + ".jsonl");
  }

  private static boolean isTorn(Path file) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    try (FileChannel read = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer last = ByteBuffer.allocate(1);
      return read.size() > 0 && read.read(last, read.size() - 1) == 1 && last.get(0) != '\n';
    }
  }

  private void deleteBefore(LocalDate first) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (name.matches() && LocalDate.parse(name.group(1)).isBefore(first)) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private boolean isOwn(String name) {
    return name.startsWith(writer + "-") && NAME.matcher(name).matches();
  }

  /** By day, then by part: a name without a part is shorter, and the tenth part is longer than the second. */
  private int compare(Path one, Path other) {
    String a = one.getFileName().toString(), b = other.getFileName().toString();
    int byDay = a.substring(0, writer.length() + 11).compareTo(b.substring(0, writer.length() + 11));
    return byDay != 0 ? byDay : a.length() != b.length() ? a.length() - b.length() : a.compareTo(b);
  }
}
