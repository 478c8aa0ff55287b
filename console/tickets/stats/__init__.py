"""Statistics of tickets over a period."""
