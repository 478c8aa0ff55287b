"""Customers: the list, the locked and the opened page, verification."""
