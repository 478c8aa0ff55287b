"""Verbs of a ticket, by use case."""
