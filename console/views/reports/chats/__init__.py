"""Statistics of chats."""
