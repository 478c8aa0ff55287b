"""Live chat: the desk, and the chat history."""
