"""Verification by e-mail and support PIN: the one way in which an account is opened."""
