"""From Bronze into Silver: decode, validate, order, deduplicate, fill TOASTed values, add implicit deletes, quarantine."""
