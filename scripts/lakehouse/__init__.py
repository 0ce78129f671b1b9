"""The sport-rewards lakehouse: change data capture into Delta tables, and the figures read from them."""
