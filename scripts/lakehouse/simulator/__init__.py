"""A generator, with a seed, of a fictive company and its activities."""
