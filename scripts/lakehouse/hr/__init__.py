"""HR's files into Postgres: found, read cell by cell, checked, and loaded in one transaction."""
