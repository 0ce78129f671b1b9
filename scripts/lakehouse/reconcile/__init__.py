"""Reconciliation of Silver with Postgres: a comparison row by row, at one snapshot, while writes continue."""
