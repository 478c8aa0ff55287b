"""The page of the opening hours."""
