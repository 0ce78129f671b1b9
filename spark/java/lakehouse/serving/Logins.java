package lakehouse.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;
import org.apache.hive.service.auth.TSetIpAddressProcessor;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may log in, and with which role: the initialiser by its password, the users of a file, the members of a
 * directory's groups, and `admin` without a password until there is a user. Everybody else is refused.
 */
public final class Logins implements PasswdAuthenticationProvider {
  /** The file of the initialiser's password, which the server's starter writes. */
  static final String OWNER_FILE = "spark.lakehouse.owner.password.file";
  /** The file of the users, which is read at each login. */
  static final String USERS_FILE = "spark.lakehouse.users.file";

  static final String OWNER = "owner", ADMIN = "admin";

  private static final Logger LOG = LoggerFactory.getLogger(Logins.class);
  // What clients send for "no password": ODBC nothing, PyHive x, beeline and Hive's JDBC anonymous, impyla password.
  private static final Set<String> NO_PASSWORD = Set.of("", "x", "anonymous", "password");
  // Also of a directory: the dot and the @ are for Active Directory's user principal names.
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");
  private static final String ANY_OTHER_NAME = "";
  private static final FailedLogins FAILED = new FailedLogins();
  // A connection has a thread of its own, which logs in before it opens a session.
  private static final ThreadLocal<Login> CURRENT = new ThreadLocal<>();

  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    CURRENT.remove();
    Login login;
    try {
      login = find(user, password);
    } catch (IOException | RuntimeException error) {
      LOG.error("Nobody is let in: {}", error.getMessage());
      throw new AuthenticationException("The logins of this server cannot be read now.");
    }
    if (login == null) {
      throw new AuthenticationException("The user or the password is wrong.");
    }
    CURRENT.set(login);
  }

  /** Return the login of this thread's connection, or null. */
  static Login current() {
    Login login = CURRENT.get();
    return login != null && login.user().equals(TSetIpAddressProcessor.getUserName()) ? login : null;
  }

  /** Return the role of the name that logged in on this thread's connection. */
  static Role role() {
    Login login = current();
    return login == null ? Role.NONE : login.role();
  }

  /** Whether a login would still be accepted, apart from its password: a user may have been removed meanwhile. */
  static boolean stands(Login login) {
    if (login.user().equals(OWNER)) {
      return true;
    }
    try {
      UsersFile users = users();
      return switch (login.source()) {
        case OWN -> isOpenToAdmin(users);
        case FILE -> users.roleOf(login.user()) == login.role();
        case DIRECTORY -> !users.names(login.user());
      };
    } catch (IOException error) {
      LOG.error("A session ends: {}", error.getMessage());
      return false;
    }
  }

  /** Return one sentence for the log: who is let in. */
  static String describe() throws IOException {
    UsersFile users = users();
    return isOpenToAdmin(users)
        ? "Until a user is made, admin needs no password: whoever reaches this port reads salaries."
        : "Readers need a password: " + users.size() + " in the users' file"
            + (DirectoryLogin.isSet(conf()) ? ", and those of the directory." : ".");
  }

  /** Whether a name is one of the server's own, in any case. */
  static boolean isReserved(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return OWNER.equals(lower) || ADMIN.equals(lower);
  }

  /** Whether a name is one of the server's own, or of the users' file. */
  static boolean isKnown(String name) {
    try {
      return name != null && isKnown(name, users());
    } catch (IOException unreadable) {
      return false;
    }
  }

  private static Login find(String user, String password) throws IOException {
    UsersFile users = users();
    if (user.equals(OWNER)) { // Its password cannot be guessed, and its attempts must not slow it down.
      return isOwnerPassword(password) ? new Login(OWNER, Role.OWNER, Login.Source.OWN) : noted(user, users);
    }
    if (user.equals(ADMIN) && isOpenToAdmin(users)) {
      return NO_PASSWORD.contains(password) ? new Login(ADMIN, Role.RH, Login.Source.OWN) : noted(user, users);
    }
    boolean isName = NAME.matcher(user).matches();
    Login[] found = {null};
    boolean isRight = FAILED.admit(isName ? user.toLowerCase(Locale.ROOT) : ANY_OTHER_NAME, () -> {
      found[0] = check(users, user, password, isName);
      if (found[0] == null) {
        noted(user, users); // before the wait
      }
      return found[0] != null;
    });
    return isRight ? found[0] : null;
  }

  private static Login check(UsersFile users, String user, String password, boolean isName) throws IOException {
    SparkConf conf = conf();
    if (DirectoryLogin.isSet(conf) && isName && !isReserved(user) && !users.names(user)) {
      Role role = new DirectoryLogin(conf).roleOf(user, password);
      return role == Role.NONE ? null : new Login(user, role, Login.Source.DIRECTORY);
    }
    Role role = users.roleOf(user, password);
    return role == Role.NONE ? null : new Login(user, role, Login.Source.FILE);
  }

  /** Note a wrong password. An unknown name is left out: it may be a password in the wrong field. */
  private static Login noted(String user, UsersFile users) {
    LOG.warn("A wrong password for {}, {} in a row.",
        isKnown(user, users) ? user : "a name that is not in the users' file",
        Math.max(1, FAILED.count(user)));
    return null;
  }

  private static boolean isKnown(String name, UsersFile users) {
    return name.equals(OWNER) || name.equals(ADMIN) || users.roleOf(name) != Role.NONE;
  }

  /** Whether `admin` needs no password. A directory's people have passwords, so that there are users. */
  private static boolean isOpenToAdmin(UsersFile users) {
    return users.isAbsent() && !DirectoryLogin.isSet(conf());
  }

  private static SparkConf conf() {
    return SparkEnv.get().conf();
  }

  private static UsersFile users() throws IOException {
    return UsersFile.read(Path.of(conf().get(USERS_FILE)));
  }

  private static boolean isOwnerPassword(String password) throws IOException {
    String expected = Files.readString(Path.of(conf().get(OWNER_FILE)), StandardCharsets.UTF_8).strip();
    return !expected.isEmpty()
        && MessageDigest.isEqual(
            expected.getBytes(StandardCharsets.UTF_8), password.getBytes(StandardCharsets.UTF_8));
  }
}
