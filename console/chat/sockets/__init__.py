"""Events of the chat: ``/visitor`` for whoever asks, ``/desk`` for staff."""

from console.chat.sockets import desk, visitor

__all__ = ["desk", "visitor"]
