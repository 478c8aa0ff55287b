"""People besides the requester whom an agent let take part in a ticket, and those whom it was forwarded to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base


class TicketParticipant(Base):
    """An address whose mail enters a ticket, as far as it is proven, and who gets a copy of each reply.

    It opens no link and no page.
    """

    __tablename__ = "ticket_participants"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    added_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    added_at: Mapped[datetime]


class TicketForward(Base):
    """A ticket, or one message of it, that was forwarded to an outside address: what comes back from there is a note.

    ``message_id``: the note that says so.
    """

    __tablename__ = "ticket_forwards"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("ticket_messages.id"), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    address: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
