"""Bulk migrations: of a file's rows, or of services chosen on one account's page."""
