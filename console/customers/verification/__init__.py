"""Verification by e-mail and support PIN: the one way to open an account."""
