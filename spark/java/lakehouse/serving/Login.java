package lakehouse.serving;

/** A login that was accepted: the name, its role, and what knows the name. */
record Login(String user, Role role, Source source) {
  /** What knows a name. */
  enum Source {
    /** The server itself: `owner`, and `admin` without a password. */
    OWN,
    /** The users' file. */
    FILE,
    /** The directory, by LDAP. */
    DIRECTORY
  }
}
