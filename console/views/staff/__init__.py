"""Staff accounts, departments, and one's own profile."""
