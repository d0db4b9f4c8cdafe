import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** What the Java programs share: their orders from the environment, their lines to the driver (../program.ts), the end. */
public final class Driver {
  public static final long WRITE_PAUSE_MS = 20;
  public static final long READ_PAUSE_MS = 50;

  /** Longer than this no answer is awaited: a hung server refuses, too. */
  public static final int TIMEOUT_MS = 2_000;

  public static final String KEY = System.getenv("KEY");
  public static final String MASTER_NAME = System.getenv("MASTER_NAME");
  public static final List<Address> SENTINELS =
      Arrays.stream(System.getenv("SENTINELS").split(",")).map(Address::parse).toList();
  public static final boolean RESP3 = "3".equals(System.getenv("PROTOCOL"));

  private static volatile boolean stopping;

  private Driver() {}

  public record Address(String host, int port) {
    static Address parse(String text) {
      String[] parts = text.split(":");
      return new Address(parts[0], Integer.parseInt(parts[1]));
    }
  }

  /** Something to do that may fail. */
  public interface Action {
    void run() throws Exception;
  }

  /** A credential or a file, where one is wanted. */
  public static Optional<String> order(String name) {
    return Optional.ofNullable(System.getenv(name));
  }

  public static void sayWritten(int n) {
    say("write", ",\"n\":" + n);
  }

  public static void sayRead(String n, String role) {
    say("read", ",\"n\":" + n + ",\"role\":" + json(role));
  }

  public static void sayListening() {
    say("listening", "");
  }

  public static void saySwitched(String payload) {
    say("switched", ",\"payload\":" + json(payload));
  }

  /** Do it over and over in a thread of its own; an error is told, and whether it may happen is for the driver to judge. */
  public static void again(String where, long pauseMs, Action once) {
    Thread thread = new Thread(() -> repeat(where, pauseMs, once));
    thread.setDaemon(true);
    thread.start();
  }

  /** Wait for the order to stop, close the client, and end the process. */
  public static void untilStopped(Action close) throws Exception {
    System.in.read();
    stopping = true;
    close.run();
    say("stopped", "");
    System.exit(0);
  }

  /** Whom to trust and who we are, for libraries that want either by itself. */
  public record Tls(TrustManagerFactory trust, KeyManagerFactory own) {
    public SSLContext context() throws GeneralSecurityException {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    }
  }

  /** Empty where no TLS is wanted. */
  public static Optional<Tls> tls() throws GeneralSecurityException, IOException {
    if (order("TLS_CA").isEmpty()) return Optional.empty();
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setCertificateEntry("ca", certificate("TLS_CA"));
    store.setKeyEntry("own", privateKey("TLS_KEY"), new char[0], new Certificate[] {certificate("TLS_CERT")});
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(store, new char[0]);
    return Optional.of(new Tls(trust, own));
  }

  private static Certificate certificate(String name) throws GeneralSecurityException, IOException {
    try (InputStream pem = Files.newInputStream(Path.of(order(name).orElseThrow()))) {
      return CertificateFactory.getInstance("X.509").generateCertificate(pem);
    }
  }

  private static PrivateKey privateKey(String name) throws GeneralSecurityException, IOException {
    String pem = Files.readString(Path.of(order(name).orElseThrow()));
    byte[] bytes = Base64.getMimeDecoder().decode(pem.replaceAll("-----.*-----", ""));
    return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(bytes));
  }

  private static void repeat(String where, long pauseMs, Action once) {
    while (!stopping) {
      try {
        once.run();
      } catch (Exception error) {
        if (!stopping) say("error", ",\"where\":" + json(where) + ",\"text\":" + json(textOf(error)));
      }
      try {
        Thread.sleep(pauseMs);
      } catch (InterruptedException interrupted) {
        return;
      }
    }
  }

  private static String textOf(Throwable error) {
    String cause = error.getCause() == null ? "" : " < " + textOf(error.getCause());
    return error + cause;
  }

  private static synchronized void say(String event, String fields) {
    System.out.println("{\"event\":" + json(event) + fields + "}");
  }

  private static String json(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + '"';
  }
}
