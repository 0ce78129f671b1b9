"""Distances from home to work: a worker reads requests from Postgres and saves the results there.

Gold prefers Google's result to an estimate. With an API key set, only Google is called.
Its failures are retried later and never replaced by an estimate.
"""
