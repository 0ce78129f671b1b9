"""Postgres against Silver, row for row, at one moment and while both go on: what is missing, superfluous or other."""
