"""The source: Postgres, what is put into it, and the connector that follows it."""
