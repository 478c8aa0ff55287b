"""The people of an account: contacts, independent users, invitations."""
