"""What every reader returns, and how it says what is wrong with a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from console.core.errors import Text

MOST_FLAWS = 20


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line that the bank booked.

    Args:
        position: its place in the statement, from 1.
        amount: minor units; what came in is positive, what went out negative.
        currency: the statement's; empty where the format does not say it of a line.
        reference: ours for what came in, as the bank has it, without the model.
        model: of the reference: ``97``, or empty.
        payer: the other side, whichever way the money went.
        bank_id: what the bank calls the line, where it does.
        row: the line of the file that it begins on.
    """

    position: int
    booked_on: date
    amount: int
    currency: str
    reference: str = ""
    model: str = ""
    payer: str = ""
    payer_account: str = ""
    purpose: str = ""
    bank_id: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account.

    Args:
        number: as the bank counts them; empty where the format has none.
        opening: the balance before the first line, closing: after the last; ``None`` where the format has none.
        count, debits, credits: what the file says of its own lines, where it does.
    """

    account: str
    number: str
    currency: str
    opened_on: date
    closed_on: date
    opening: int | None
    closing: int | None
    lines: Sequence[StatementLine]
    count: int | None = None
    debits: int | None = None
    credits: int | None = None


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong. ``row``: the line of the file, ``None`` where it is of the whole."""

    message: Text
    row: int | None = None


class UnreadableStatement(Exception):
    """The file is no statement that can be imported; nothing of it is."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__()  # the messages are read in someone's language, and a reader knows no one's
        self.flaws = flaws

    def __str__(self) -> str:
        return "; ".join(f"{flaw.row or '-'}: {flaw.message}" for flaw in self.flaws)


class Flaws:
    """Collects what is wrong, so that a person learns of more than the first."""

    def __init__(self) -> None:
        self.found: list[Flaw] = []

    def add(self, message: Text, row: int | None = None) -> None:
        """Note one flaw.

        Raises:
            UnreadableStatement: there are so many that no one reads more.
        """
        self.found.append(Flaw(message, row))
        if len(self.found) >= MOST_FLAWS:
            self.check()

    def check(self) -> None:
        """Raise with all that was noted.

        Raises:
            UnreadableStatement: something was.
        """
        if self.found:
            raise UnreadableStatement(*self.found)
