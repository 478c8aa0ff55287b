"""Mailboxes: what mail comes in by and answers go out by, and how those that are read by IMAP do."""
