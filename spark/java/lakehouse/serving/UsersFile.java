package lakehouse.serving;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/**
 * The users of the file that scripts/lakehouse/serving/user_file.py writes, one a line:
 * `name:role:pbkdf2_sha256:iterations:salt:hash`. A file with any other line is an error, and lets nobody in.
 */
public final class UsersFile {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}");
  private static final Pattern ITERATIONS = Pattern.compile("[1-9][0-9]{0,7}");
  private static final Map<String, Role> ROLES = Map.of("rh", Role.RH, "direction", Role.DIRECTION);
  private static final String ALGORITHM = "pbkdf2_sha256", FACTORY = "PBKDF2WithHmacSHA256";
  private static final int FIELDS = 6, MIN_SALT_BYTES = 16, HASH_BYTES = 32, MAX_ITERATIONS = 10_000_000;
  // Compared with the password of an unknown name, so that the time of the answer says nothing about the name.
  private static final User NOBODY = new User(Role.NONE, 600_000, new byte[MIN_SALT_BYTES], new byte[HASH_BYTES]);

  private record User(Role role, int iterations, byte[] salt, byte[] hash) {}

  private final boolean isAbsent;
  private final Map<String, User> users;

  private UsersFile(boolean isAbsent, Map<String, User> users) {
    this.isAbsent = isAbsent;
    this.users = users;
  }

  /** Return the users of a file as it is now. Raises IOException where it cannot be read, or holds anything else. */
  static UsersFile read(Path file) throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException absent) {
      return new UsersFile(true, Map.of());
    } catch (CharacterCodingException error) {
      throw new IOException("The users' file is not in UTF-8.");
    }
    Map<String, User> users = new HashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String[] fields = lines.get(i).split(":", -1);
      User user = parse(fields);
      if (user == null || users.put(fields[0], user) != null) {
        throw new IOException("Line " + (i + 1) + " of the users' file is no user: nobody is let in.");
      }
    }
    return new UsersFile(false, users);
  }

  /** Return the role of a name with its password in a file, NONE for any other name or password. */
  public static String roleOf(String file, String name, String password) throws IOException {
    return read(Path.of(file)).roleOf(name, password).name();
  }

  /** Whether no user was ever made: an empty file is one whose users were removed. */
  boolean isAbsent() {
    return isAbsent;
  }

  int size() {
    return users.size();
  }

  /** Whether a name is that of a user, in any case: no other source of logins may have it. */
  boolean names(String name) {
    return users.containsKey(name.toLowerCase(Locale.ROOT));
  }

  /** Return the role of a name, NONE where the file does not have it. */
  Role roleOf(String name) {
    return users.getOrDefault(name, NOBODY).role;
  }

  /** Return the role of a name with its password, NONE for any other name or password. */
  Role roleOf(String name, String password) {
    User user = users.getOrDefault(name, NOBODY);
    return MessageDigest.isEqual(user.hash, hash(password, user)) ? user.role : Role.NONE;
  }

  private static User parse(String[] fields) {
    if (fields.length != FIELDS || !NAME.matcher(fields[0]).matches() || Logins.isReserved(fields[0])
        || !ROLES.containsKey(fields[1]) || !ALGORITHM.equals(fields[2]) || !ITERATIONS.matcher(fields[3]).matches()
        || Integer.parseInt(fields[3]) > MAX_ITERATIONS) {
      return null;
    }
    try {
      byte[] salt = Base64.getDecoder().decode(fields[4]), hash = Base64.getDecoder().decode(fields[5]);
      boolean isWhole = salt.length >= MIN_SALT_BYTES && hash.length == HASH_BYTES;
      return isWhole ? new User(ROLES.get(fields[1]), Integer.parseInt(fields[3]), salt, hash) : null;
    } catch (IllegalArgumentException error) {
      return null;
    }
  }

  /** Return PBKDF2 with HMAC-SHA256 of the password in UTF-8; a letter with an accent is one letter. */
  private static byte[] hash(String password, User user) {
    String normal = Normalizer.normalize(password, Normalizer.Form.NFC);
    PBEKeySpec key = new PBEKeySpec(normal.toCharArray(), user.salt, user.iterations, HASH_BYTES * Byte.SIZE);
    try {
      return SecretKeyFactory.getInstance(FACTORY).generateSecret(key).getEncoded();
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException("This Java has no " + FACTORY + ".", error);
    } finally {
      key.clearPassword();
    }
  }
}
