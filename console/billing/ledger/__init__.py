"""Double-entry bookkeeping. Entries are added, never changed."""
