package lakehouse.serving;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The wrong passwords of each name. From the fifth on, the answer to each takes twice as long as the one before, and the
 * attempts for that name come one after another. Its memory is bounded, whatever names are tried.
 */
public final class FailedLogins {
  static final int FREE = 4;
  private static final long FIRST_WAIT_MS = 1_000, MAX_WAIT_MS = 30_000, FORGOTTEN_AFTER_MS = 15 * 60_000;
  private static final int MAX_NAMES = 1_000, MAX_WAITING = 50;

  private static final class Attempts {
    final ReentrantLock lock = new ReentrantLock();
    int count;
    long lastMs;
  }

  /** Whether a password is right; it may take a while. */
  interface Check {
    boolean isRight() throws java.io.IOException;
  }

  private final Map<String, Attempts> names = new LinkedHashMap<>(16, 0.75f, true) {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Attempts> eldest) {
      return size() > MAX_NAMES;
    }
  };
  // Each attempt that waits occupies a thread of the server.
  private final Semaphore waiting = new Semaphore(MAX_WAITING);

  /** Return the milliseconds that the answer to the n-th wrong password takes, counted from 1. */
  public static long waitMillis(int number) {
    if (number <= FREE) {
      return 0;
    }
    return Math.min(MAX_WAIT_MS, FIRST_WAIT_MS << Math.min(number - FREE - 1, 10));
  }

  /** Return the number of wrong passwords in a row for a name, 0 after a right one. */
  public int count(String name) {
    synchronized (names) {
      Attempts attempts = names.get(name);
      return attempts == null ? 0 : attempts.count;
    }
  }

  /** Return whether a check of a name's password succeeds. A wrong one may take seconds; of too many, none is checked. */
  boolean admit(String name, Check check) throws java.io.IOException {
    Attempts attempts = find(name);
    int number = begin(attempts);
    if (number <= FREE) {
      return end(attempts, check.isRight());
    }
    if (!waiting.tryAcquire()) {
      return false;
    }
    try {
      return attempts.lock.tryLock(MAX_WAIT_MS, TimeUnit.MILLISECONDS) && checkInTurn(attempts, number, check);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waiting.release();
    }
  }

  private boolean checkInTurn(Attempts attempts, int number, Check check)
      throws java.io.IOException, InterruptedException {
    try {
      boolean isRight = end(attempts, check.isRight());
      if (!isRight) {
        Thread.sleep(waitMillis(number));
      }
      return isRight;
    } finally {
      attempts.lock.unlock();
    }
  }

  private Attempts find(String name) {
    synchronized (names) {
      return names.computeIfAbsent(name, key -> new Attempts());
    }
  }

  /** Count an attempt before its check, so that many at once are no more than one after another; return its number. */
  private int begin(Attempts attempts) {
    long now = System.nanoTime() / 1_000_000;
    synchronized (names) {
      if (now - attempts.lastMs > FORGOTTEN_AFTER_MS) {
        attempts.count = 0;
      }
      attempts.lastMs = now;
      return ++attempts.count;
    }
  }

  private boolean end(Attempts attempts, boolean isRight) {
    if (isRight) {
      synchronized (names) {
        attempts.count = 0;
      }
    }
    return isRight;
  }
}
