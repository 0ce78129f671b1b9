"""The figures: pure functions from Silver's tables to Gold's. Only refresh reads and writes."""
