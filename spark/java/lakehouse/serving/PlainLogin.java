package lakehouse.serving;

import java.nio.charset.StandardCharsets;
import java.security.Provider;
import java.security.Security;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.sasl.AuthorizeCallback;
import javax.security.sasl.SaslException;
import javax.security.sasl.SaslServer;
import javax.security.sasl.SaslServerFactory;

/**
 * SASL's PLAIN (RFC 4616), in place of Hive's. Hive's lets whoever logged in act as anybody else, by the first field of
 * the message; it refuses an empty password itself, and reads UTF-8 byte by byte.
 */
public final class PlainLogin implements SaslServer {
  private static final String MECHANISM = "PLAIN";
  private static final int MAX_BYTES = 4096;

  private final CallbackHandler handler;
  private String user;

  private PlainLogin(CallbackHandler handler) {
    this.handler = handler;
  }

  /** Have this JVM take this class for PLAIN from now on. */
  static void install() {
    Security.insertProviderAt(new PlainProvider(), 1);
  }

  /** Lists the factory. */
  public static final class PlainProvider extends Provider {
    private static final long serialVersionUID = 1L;

    public PlainProvider() {
      super("LakehousePlain", "1.0", "SASL PLAIN for the Thrift server");
      put("SaslServerFactory." + MECHANISM, Factory.class.getName());
    }
  }

  /** Makes one server for each connection. */
  public static final class Factory implements SaslServerFactory {
    @Override
    public SaslServer createSaslServer(
        String mechanism, String protocol, String serverName, Map<String, ?> properties, CallbackHandler handler) {
      return MECHANISM.equals(mechanism) ? new PlainLogin(handler) : null;
    }

    @Override
    public String[] getMechanismNames(Map<String, ?> properties) {
      return new String[] {MECHANISM};
    }
  }

  @Override
  public byte[] evaluateResponse(byte[] response) throws SaslException {
    String[] fields = new String(response, StandardCharsets.UTF_8).split("\0", -1);
    try {
      logIn(response.length, fields);
    } catch (SaslException refused) {
      NotedSessions.loginRefused(fields.length < 2 ? null : fields[fields.length - 2], ClientAddress.ofLogin());
      throw refused;
    }
    return null;
  }

  private void logIn(int length, String[] fields) throws SaslException {
    // Some clients leave the first field and its separator out.
    String name = fields[Math.max(0, fields.length - 2)], password = fields[fields.length - 1];
    boolean isForAnother = fields.length == 3 && !fields[0].isEmpty() && !fields[0].equals(name);
    if (length > MAX_BYTES || fields.length < 2 || fields.length > 3 || name.isEmpty() || isForAnother) {
      throw new SaslException("The login is not of the form that RFC 4616 describes, or is for another user.");
    }
    NameCallback forName = new NameCallback("User");
    forName.setName(name);
    PasswordCallback forPassword = new PasswordCallback("Password", false);
    forPassword.setPassword(password.toCharArray());
    AuthorizeCallback authorize = new AuthorizeCallback(name, name);
    try {
      handler.handle(new Callback[] {forName, forPassword, authorize});
    } catch (java.io.IOException | UnsupportedCallbackException error) {
      throw new SaslException("The user or the password is wrong.", error);
    }
    if (!authorize.isAuthorized()) {
      throw new SaslException("The user or the password is wrong.");
    }
    user = name;
  }

  @Override
  public boolean isComplete() {
    return user != null;
  }

  @Override
  public String getAuthorizationID() {
    return user;
  }

  @Override
  public String getMechanismName() {
    return MECHANISM;
  }

  @Override
  public byte[] unwrap(byte[] incoming, int offset, int length) {
    throw new IllegalStateException("PLAIN protects nothing.");
  }

  @Override
  public byte[] wrap(byte[] outgoing, int offset, int length) {
    throw new IllegalStateException("PLAIN protects nothing.");
  }

  @Override
  public Object getNegotiatedProperty(String name) {
    return null;
  }

  @Override
  public void dispose() {}
}
