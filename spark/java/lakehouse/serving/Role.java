package lakehouse.serving;

import java.util.Set;

/** What a session may do, and which databases exist for it. */
public enum Role {
  /** The initialiser: it creates the views, and no statement of its own is refused. */
  OWNER(Set.of()),
  /** HR: every view of gold. */
  RH(Set.of("gold", "default")),
  /** The management: the views without persons, in a database of their own. */
  DIRECTION(Set.of("direction", "default")),
  /** A session that nobody opened by a login: nothing. */
  NONE(Set.of());

  private final Set<String> databases;

  Role(Set<String> databases) {
    this.databases = databases;
  }

  /** Whether a database exists for the role; its name in any case. */
  boolean sees(String database) {
    return this == OWNER || databases.contains(database.toLowerCase(java.util.Locale.ROOT));
  }
}
