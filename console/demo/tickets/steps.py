"""What the story of a ticket is made of: how it was asked, and one class for each thing that can happen to it.

Times are working hours before the demo's own now. So whenever it is looked at, the same tickets are late, nearly
late or in good time.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.tickets.models import Priority, TicketSource, TicketStatus

OPEN, WAITING, HOLD = TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.HOLD
SOLVED, CLOSED = TicketStatus.SOLVED, TicketStatus.CLOSED
LOW, NORMAL, HIGH, URGENT = Priority
WEB, MAIL, CHAT, AGENT = TicketSource.WEB, TicketSource.MAIL, TicketSource.CHAT, TicketSource.AGENT


@dataclass(frozen=True)
class Step:
    """Something that happens in a ticket, ``ago`` working hours before now."""

    ago: float


@dataclass(frozen=True)
class CustomerReply(Step):
    """The requester writes."""

    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply(Step):
    """A colleague answers."""

    who: str
    text: str
    then: TicketStatus | None = WAITING
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class UndoneReply(Step):
    """A colleague answers and takes it back; the text is their draft again."""

    who: str
    text: str


@dataclass(frozen=True)
class Note(Step):
    """A colleague writes a note among ourselves."""

    who: str
    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft(Step):
    """A colleague has begun to write."""

    who: str
    text: str


@dataclass(frozen=True)
class Assign(Step):
    """It is given to ``who``, by themselves or by ``by``."""

    who: str
    by: str = ""


@dataclass(frozen=True)
class SetStatus(Step):
    """It moves to a state."""

    who: str
    to: TicketStatus


@dataclass(frozen=True)
class SetPriority(Step):
    """It gets another priority."""

    who: str
    to: Priority


@dataclass(frozen=True)
class SetDepartment(Step):
    """It goes to another department."""

    who: str
    to: str


@dataclass(frozen=True)
class Tag(Step):
    """It gets tags."""

    who: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Merge(Step):
    """It is merged into another."""

    who: str
    into: str


@dataclass(frozen=True)
class Split(Step):
    """Its newest question becomes a ticket of its own."""

    who: str
    subject: str


@dataclass(frozen=True)
class Link(Step):
    """It belongs with another."""

    who: str
    other: str


@dataclass(frozen=True)
class SetCustomer(Step):
    """An agent sets the account it is about."""

    who: str
    account: str


@dataclass(frozen=True)
class SendCard(Step):
    """The requester is asked to prove who they are. ``right``: with the PIN that is theirs; ``None``: they do not."""

    who: str
    right: bool | None = None


@dataclass(frozen=True)
class VerifyByPhone(Step):
    """The owner of the account says the PIN on the phone."""

    who: str


@dataclass(frozen=True)
class Override(Step):
    """The account is opened for reading without its people."""

    who: str
    reason: str


@dataclass(frozen=True)
class SuspendService(Step):
    """The service that it is about is switched off for abuse."""

    who: str


@dataclass(frozen=True)
class Watch(Step):
    """An agent watches it."""

    who: str


@dataclass(frozen=True)
class Read(Step):
    """An agent opens and reads it."""

    who: str


@dataclass(frozen=True)
class Rate(Step):
    """The requester says how content they are."""

    score: int
    comment: str = ""


@dataclass(frozen=True)
class SendForReview(Step):
    """A supervisor puts it into the queue of reviews."""

    who: str


@dataclass(frozen=True)
class ScoreReview(Step):
    """A supervisor scores the work on it. ``points``: in the rubric's order; ``None``: does not apply."""

    who: str
    points: tuple[int | None, ...]
    note: str
    remark: str = ""


@dataclass(frozen=True)
class AnswerReview(Step):
    """The agent says something to the review."""

    who: str
    text: str


@dataclass(frozen=True)
class Case:
    """A ticket.

    Args:
        by: an account's name in the story, or the name and address of one who is not a customer.
        opened: working hours before now.
        late: hour and minute of that day, after closing time.
        agent: who opened it on behalf of the requester.
        service: it is about the account's first service.
        speaks_of: facts of the story that were there before.
    """

    key: str
    subject: str
    text: str
    by: str | tuple[str, str]
    opened: float
    department: str = "technical"
    priority: Priority = NORMAL
    source: TicketSource = WEB
    language: str = "sr_Latn"
    late: tuple[int, int] | None = None
    agent: str = ""
    service: bool = False
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    speaks_of: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
