"""Customer accounts, the people on them, and how these are verified."""
