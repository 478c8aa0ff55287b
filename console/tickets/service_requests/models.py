"""A request beside its ticket: what is asked for as data for staff to see at a glance, its state for the customer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.quotes.models import Quote
from console.core.db import Base, enum_column
from console.customers.models import Customer, Membership
from console.customers.rights import Right
from console.hosting.models import Service
from console.staff.models import Staff
from console.tickets.models import Ticket


class RequestKind(StrEnum):
    ORDER = "order"
    CHANGE = "change"  # to a larger or smaller product
    CANCELLATION = "cancellation"
    PASSWORD = "password"  # noqa: S105  (a kind of request: no password is in one)
    QUOTE = "quote"  # an accepted one


class RequestState(StrEnum):
    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"


# What a person needs to ask for it, and to see it.
RIGHTS: dict[RequestKind, Right] = {
    RequestKind.ORDER: Right.ORDERS,
    RequestKind.CHANGE: Right.ORDERS,
    RequestKind.CANCELLATION: Right.ORDERS,
    RequestKind.PASSWORD: Right.MANAGE_PRODUCTS,
    RequestKind.QUOTE: Right.QUOTES,
}


class ServiceRequest(Base):
    """One request. ``data`` names products and days by what they were when it was made."""

    __tablename__ = "service_requests"
    __table_args__ = (
        Index("ix_service_requests_customer_id_id", "customer_id", "id"),
        Index(
            "uq_service_requests_open",
            "service_id",
            "kind",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RequestKind] = mapped_column(enum_column(RequestKind))
    state: Mapped[RequestState] = mapped_column(enum_column(RequestState), default=RequestState.OPEN)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), unique=True)
    service_id: Mapped[int | None] = mapped_column(ForeignKey("services.id"))
    quote_id: Mapped[int | None] = mapped_column(ForeignKey("quotes.id"), unique=True)
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answer: Mapped[str] = mapped_column(Text, default="")  # what the customer is told with the end
    product: Mapped[str] = mapped_column(String(120), default="")  # that is asked for

    customer: Mapped[Customer] = relationship()
    ticket: Mapped[Ticket] = relationship()
    service: Mapped[Service | None] = relationship()
    quote: Mapped[Quote | None] = relationship()
    requested_by: Mapped[Membership] = relationship()
    ended_by: Mapped[Staff | None] = relationship()
