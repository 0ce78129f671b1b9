package lakehouse.serving;

import java.util.List;
import java.util.Set;

/** What a session may do, and which databases exist for it. */
public enum Role {
  /** The initialiser: it creates the views, and no statement of its own is refused. */
  OWNER(Set.of()),
  /** HR: every view of gold. */
  RH(Set.of("gold", "default")),
  /** The management: the views of direction, which have no person in them. */
  DIRECTION(Set.of("direction", "default")),
  /** A session that nobody opened by a login: nothing. */
  NONE(Set.of());

  private final Set<String> databases;

  Role(Set<String> databases) {
    this.databases = databases;
  }

  /** Return the databases that exist for the role, in order; not for OWNER, for whom all do. */
  List<String> databases() {
    return databases.stream().sorted().toList();
  }

  /** Whether the role may count bronze's activities: a count that grows by one says that somebody moved. */
  boolean countsBronze() {
    return this == RH;
  }

  /** Whether a database exists for the role; its name in any case. */
  boolean sees(String database) {
    return this == OWNER || databases.contains(database.toLowerCase(java.util.Locale.ROOT));
  }
}
