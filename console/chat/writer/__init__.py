"""The one writer of chat messages in a process."""
