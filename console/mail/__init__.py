"""The outbox, and sending it."""
