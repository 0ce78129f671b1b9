"""Local mode: the same services without Docker, as supervised child processes, all inside the checkout."""
