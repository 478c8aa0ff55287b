"""The way of a zone to the name servers: an outbox, and one module for each way."""
