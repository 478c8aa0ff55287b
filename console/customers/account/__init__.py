"""The account itself: its holder's data, the owner's sign-in address, and who holds it."""
