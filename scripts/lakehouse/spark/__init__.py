"""Spark's runtime: sessions, options of the JVM, parallel work, the supervisor of streams. Knows no table."""
