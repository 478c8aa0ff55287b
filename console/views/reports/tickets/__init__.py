"""Statistics of tickets."""
