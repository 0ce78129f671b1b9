package lakehouse.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The queries behind the views, by their digests: those of this version's files, and those that the owner created since
 * the server started. A view of another text is not read, whatever its name is.
 */
final class TrustedViews {
  /** The file of this version's digests, one a line; the server's starter writes it. */
  static final String FILE = "spark.lakehouse.gate.views";

  private static final Set<String> DIGESTS = ConcurrentHashMap.newKeySet();

  private TrustedViews() {}

  static void load(Path file) {
    try {
      DIGESTS.addAll(Files.readAllLines(file, StandardCharsets.US_ASCII));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static void add(String query) {
    DIGESTS.add(digest(query));
  }

  static boolean contains(String query) {
    return DIGESTS.contains(digest(query));
  }

  private static String digest(String query) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(query.strip().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
  }
}
