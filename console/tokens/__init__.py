"""Links that open something once."""
