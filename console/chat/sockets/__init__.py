"""Events of the chat: ``/visitor`` for visitors, ``/desk`` for staff."""

from console.chat.sockets import desk, visitor

__all__ = ["desk", "visitor"]
