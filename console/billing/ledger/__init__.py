"""Double entry: where money is, and whose it is. Entries are added, never changed."""
