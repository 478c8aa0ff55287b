"""What each domain has of people."""
