"""Tickets: the list, the page of one, a new one, canned replies."""
