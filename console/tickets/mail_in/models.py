"""People besides the requester whose mail goes into a ticket, because an agent said so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base


class TicketParticipant(Base):
    """An address whose mail enters a ticket, as far as it is proven. It opens no link and reads nothing by itself."""

    __tablename__ = "ticket_participants"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    added_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    added_at: Mapped[datetime]
