"""The wiring of the stream: contracts, change engine, lease and supervisor put together. Reaches no figure."""
