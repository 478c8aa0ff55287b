"""Links that let another person pay a pro-forma, without an account."""
