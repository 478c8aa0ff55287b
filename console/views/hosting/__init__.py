"""Products, services and domains."""
