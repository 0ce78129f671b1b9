package lakehouse.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Set;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;
import org.apache.spark.SparkEnv;

/**
 * Who may log in, and with which role: the initialiser by its password, and `admin` without one. Everybody else is
 * refused.
 */
public final class Logins implements PasswdAuthenticationProvider {
  /** The file of the initialiser's password, which the server's starter writes. */
  static final String OWNER_FILE = "spark.lakehouse.owner.password.file";

  static final String OWNER = "owner", ADMIN = "admin";

  // What clients send for "no password": ODBC nothing, PyHive x, beeline and Hive's JDBC anonymous, impyla password.
  private static final Set<String> NO_PASSWORD = Set.of("", "x", "anonymous", "password");

  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    boolean isKnown = user.equals(OWNER) && isOwnerPassword(password)
        || user.equals(ADMIN) && NO_PASSWORD.contains(password);
    if (!isKnown) {
      throw new AuthenticationException("The user or the password is wrong.");
    }
  }

  /** Return the role of an authenticated name. */
  static Role roleOf(String user) {
    return OWNER.equals(user) ? Role.OWNER : ADMIN.equals(user) ? Role.RH : Role.NONE;
  }

  private static boolean isOwnerPassword(String password) throws AuthenticationException {
    try {
      Path file = Path.of(SparkEnv.get().conf().get(OWNER_FILE));
      String expected = Files.readString(file, StandardCharsets.UTF_8).strip();
      return !expected.isEmpty()
          && MessageDigest.isEqual(
              expected.getBytes(StandardCharsets.UTF_8), password.getBytes(StandardCharsets.UTF_8));
    } catch (IOException error) {
      throw new AuthenticationException("The owner's password cannot be read.", error);
    }
  }
}
