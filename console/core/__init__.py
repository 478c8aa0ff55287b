"""What every domain is built on; it knows none of them."""
