"""The load of HR's two files into Postgres: find, parse, check, and load in one transaction."""
