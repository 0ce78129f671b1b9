package lakehouse.cache;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Values up to a number of bytes in all; beyond it the one that was used longest ago goes. */
public final class LruCache<K, V> {
  private record Entry<V>(V value, long bytes) {}

  private final Map<K, Entry<V>> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final long maxBytes;
  private long bytes;

  public LruCache(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  public synchronized Optional<V> find(K key) {
    return Optional.ofNullable(entries.get(key)).map(Entry::value);
  }

  public synchronized void keep(K key, V value, long size) {
    remove(key);
    if (size > maxBytes) {
      return;
    }
    entries.put(key, new Entry<>(value, size));
    bytes += size;
    Iterator<Entry<V>> eldest = entries.values().iterator();
    while (bytes > maxBytes) {
      bytes -= eldest.next().bytes;
      eldest.remove();
    }
  }

  public synchronized void remove(K key) {
    Entry<V> removed = entries.remove(key);
    bytes -= removed == null ? 0 : removed.bytes;
  }

  public synchronized long bytes() {
    return bytes;
  }
}
