"""Distances from home to work.

A Google answer beats an estimate, and gold picks it. With a key set, Google alone is asked:
its failure is noted and asked again later, it never turns into an estimate.
"""
