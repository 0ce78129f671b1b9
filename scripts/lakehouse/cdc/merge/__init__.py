"""From Bronze into Silver: decoding, validation, order, deduplication, TOAST, implicit deletes, quarantine."""
