"""Quotes: what staff offer an account, until when, and what its people answer."""
