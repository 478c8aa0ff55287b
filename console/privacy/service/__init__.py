"""What people and the worker do with data: copies of it, erasure."""
