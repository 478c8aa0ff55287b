"""Payments: received, matched to documents, put on credit or sent back, and undone."""
