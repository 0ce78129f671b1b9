"""The same services without Docker: each a supervised child, all of it inside the checkout."""
