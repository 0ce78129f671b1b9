"""A fictive company and its activities, made by a seeded generator."""
