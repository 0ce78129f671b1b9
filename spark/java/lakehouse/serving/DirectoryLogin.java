package lakehouse.serving;

import java.util.Hashtable;
import java.util.Locale;
import java.util.Map;
import javax.naming.AuthenticationException;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import javax.naming.NamingEnumeration;
import javax.naming.NamingException;
import javax.naming.PartialResultException;
import javax.naming.directory.DirContext;
import javax.naming.directory.InitialDirContext;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.apache.spark.SparkConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A bind to a directory by LDAP as the person who logs in, whose groups decide on the role. */
final class DirectoryLogin {
  static final String URL = "spark.lakehouse.ldap.url", USER_DN = "spark.lakehouse.ldap.user.dn";
  static final String BASE_DN = "spark.lakehouse.ldap.base.dn", ROLE = "spark.lakehouse.ldap.role.";

  private static final Logger LOG = LoggerFactory.getLogger(DirectoryLogin.class);
  private static final String TIMEOUT_MS = "5000", USER = "{user}";
  // Of groupOfNames and Active Directory, of groupOfUniqueNames, of posixGroup.
  private static final String IS_MEMBER = "(|(member={0})(uniqueMember={0})(memberUid={1}))";
  private static final String IS_PERSON = "(|(uid={0})(sAMAccountName={0})(userPrincipalName={0}))";

  private final SparkConf conf;

  DirectoryLogin(SparkConf conf) {
    this.conf = conf;
  }

  static boolean isSet(SparkConf conf) {
    return !conf.get(URL, "").isEmpty();
  }

  /** Return the role of a person with that password, NONE where the directory refuses either or no group has a role. */
  Role roleOf(String user, String password) {
    if (password.isBlank() || password.indexOf('\0') >= 0) {
      return Role.NONE; // A bind with an empty password is anonymous, and succeeds.
    }
    String name = conf.get(USER_DN).replace(USER, Rdn.escapeValue(user));
    DirContext context = null;
    try {
      context = bind(name, password);
      return roleOf(context, user, conf.get(BASE_DN, "").isEmpty() ? name : search(context, user));
    } catch (AuthenticationException refused) {
      return Role.NONE;
    } catch (NamingException error) {
      // Its message may quote the name.
      LOG.error("The directory does not answer a login: {}", error.getClass().getSimpleName());
      return Role.NONE;
    } finally {
      close(context);
    }
  }

  private DirContext bind(String name, String password) throws NamingException {
    return new InitialDirContext(new Hashtable<>(Map.of(
        Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory",
        Context.PROVIDER_URL, conf.get(URL),
        Context.SECURITY_AUTHENTICATION, "simple",
        Context.SECURITY_PRINCIPAL, name,
        Context.SECURITY_CREDENTIALS, password,
        Context.REFERRAL, "ignore",
        "com.sun.jndi.ldap.connect.timeout", TIMEOUT_MS,
        "com.sun.jndi.ldap.read.timeout", TIMEOUT_MS)));
  }

  /** Return the distinguished name of the one entry below the base that has the name. */
  private String search(DirContext context, String user) throws NamingException {
    SearchControls below = new SearchControls();
    below.setSearchScope(SearchControls.SUBTREE_SCOPE);
    NamingEnumeration<SearchResult> entries =
        context.search(new LdapName(conf.get(BASE_DN)), IS_PERSON, new Object[] {user}, below);
    if (!hasMore(entries)) {
      throw new AuthenticationException("There is no entry of the name.");
    }
    String found = entries.next().getNameInNamespace();
    if (hasMore(entries)) {
      throw new AuthenticationException("There are several entries of the name.");
    }
    return found;
  }

  /** Whether there is another entry here; Active Directory ends a list with the addresses of other directories. */
  private static boolean hasMore(NamingEnumeration<SearchResult> entries) throws NamingException {
    try {
      return entries.hasMore();
    } catch (PartialResultException elsewhere) {
      return false;
    }
  }

  private Role roleOf(DirContext context, String user, String name) throws NamingException {
    for (Role role : new Role[] {Role.RH, Role.DIRECTION}) { // the first one that fits
      String group = conf.get(ROLE + role.name().toLowerCase(Locale.ROOT), "");
      if (!group.isEmpty() && isMember(context, group, user, name)) {
        return role;
      }
    }
    return Role.NONE;
  }

  private static boolean isMember(DirContext context, String group, String user, String name) throws NamingException {
    SearchControls itself = new SearchControls();
    itself.setSearchScope(SearchControls.OBJECT_SCOPE);
    itself.setReturningAttributes(new String[] {"1.1"}); // none
    try {
      return context.search(new LdapName(group), IS_MEMBER, new Object[] {name, user}, itself).hasMore();
    } catch (NameNotFoundException absent) {
      LOG.warn("The directory has no group {}, or does not show it.", group);
      return false;
    }
  }

  private static void close(DirContext context) {
    try {
      if (context != null) {
        context.close();
      }
    } catch (NamingException error) {
      LOG.debug("The directory had closed the connection.");
    }
  }
}
