"""The ``console`` command, and what only it does."""
