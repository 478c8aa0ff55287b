"""Verbs of the chat, by use case."""
