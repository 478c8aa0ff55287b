"""The series of our numbers: the prefix before the dash. The one place that names them."""

from __future__ import annotations

from enum import StrEnum


class Series(StrEnum):
    """One series of numbers, by its prefix."""

    BATCH = "MB"
    CHAT = "C"
    CUSTOMER = "K"
    MIGRATION = "M"
    PAYMENT = "UP"
    PROFORMA = "PR"
    QUOTE = "P"
    REVIEW = "R"
    STORNO = "ST"
    TICKET = "T"
    SERVICE = "U"
    VERIFICATION = "V"

    def number(self, key: int, digits: int = 0) -> str:
        """Return a number as it is printed: ``T-20418``, with ``digits`` at least so many: ``M-0317``."""
        return f"{self.value}-{key:0{digits}d}" if digits else f"{self.value}-{key}"
