"""Staff accounts, roles, sign-in."""
