"""Gold's models: pure functions from Silver DataFrames to Gold DataFrames. Reading and writing is up to refresh."""
