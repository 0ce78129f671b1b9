package lakehouse.serving;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A thread that closes the sessions of removed users each second, also of those who ask nothing more. */
final class EndedLogins {
  private static final Logger LOG = LoggerFactory.getLogger(EndedLogins.class);
  private static final long INTERVAL_MS = 1_000;

  private final Runnable close;
  private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
    Thread daemon = new Thread(task, "ended-logins");
    daemon.setDaemon(true);
    return daemon;
  });

  EndedLogins(Runnable close) {
    this.close = close;
  }

  void start() {
    thread.scheduleWithFixedDelay(this::look, INTERVAL_MS, INTERVAL_MS, TimeUnit.MILLISECONDS);
  }

  void stop() {
    thread.shutdownNow();
  }

  /** An exception would end the thread for good. */
  private void look() {
    try {
      close.run();
    } catch (RuntimeException error) {
      LOG.error("The sessions of removed users could not be closed.", error);
    }
  }
}
