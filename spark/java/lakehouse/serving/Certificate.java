package lakehouse.serving;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Collections;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.spark.SparkConf;

/** The server's certificate, a PKCS12 file with its key: with one, nobody is answered in clear. */
final class Certificate {
  static final String FILE = "spark.lakehouse.certificate", PASSWORD_FILE = "spark.lakehouse.certificate.password.file";
  /** Where the certificate is written without its key: our own clients trust this one and no other. */
  static final String PEM = "spark.lakehouse.certificate.pem";

  private static final int PEM_LINE = 64;

  private Certificate() {}

  /** Have the server use TLS where a certificate is set. Raises IOException where it cannot be read. */
  static void use(SparkConf spark, HiveConf hive) throws IOException {
    String file = spark.get(FILE, "");
    if (file.isEmpty()) {
      return;
    }
    String password = Files.readString(Path.of(spark.get(PASSWORD_FILE)), StandardCharsets.UTF_8);
    Files.writeString(Path.of(spark.get(PEM)), toPem(file, password), StandardCharsets.US_ASCII);
    hive.set("hive.server2.use.SSL", "true");
    hive.set("hive.server2.keystore.path", file);
    hive.set("hive.server2.keystore.password", password);
  }

  private static String toPem(String file, String password) throws IOException {
    try (InputStream stream = Files.newInputStream(Path.of(file))) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(stream, password.toCharArray());
      for (String alias : Collections.list(store.aliases())) {
        if (store.isKeyEntry(alias)) {
          byte[] der = store.getCertificate(alias).getEncoded();
          String text = Base64.getMimeEncoder(PEM_LINE, new byte[] {'\n'}).encodeToString(der);
          return "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n";
        }
      }
      throw new IOException("THRIFT_CERTIFICATE has no key.");
    } catch (GeneralSecurityException error) {
      throw new IOException("THRIFT_CERTIFICATE cannot be read.", error);
    }
  }
}
