"""What a customer asks for about their services: orders, changes, cancellations, passwords; each with its ticket."""
