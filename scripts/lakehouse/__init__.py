"""The sport-rewards lakehouse: change data capture into Delta tables, and the rewards computed from them."""
