"""Texts that several documents share, in the language of the block they are asked for in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import get_locale

from console.billing.pdf.payment_code import NoPaymentCode, print_account, read_account
from console.billing.pdf.sheet import Party
from console.billing.tax import ABROAD, EXEMPT, OUTSIDE
from console.core import money
from console.core.context import settings
from console.core.texts import gettext, of_reader

HOME = "RS"  # addresses there name no country


def lang() -> str:
    """Return the language as PDF readers know it."""
    return "en" if of_reader().language == "en" else "sr-Latn"


def day(value: date) -> str:
    """Write a calendar day."""
    return f"{value.day} {value:%b %Y}" if of_reader().language == "en" else f"{value:%d.%m.%Y.}"


def moment(value: datetime) -> str:
    """Write an instant in the configured zone, to the minute."""
    local = value.astimezone(settings().zone)
    return f"{day(local.date())} {local:%H:%M}"


def amount(value: int, currency: str = "") -> str:
    """Write an amount."""
    return money.write(value, currency, of_reader().language)


def rate(basis_points: int) -> str:
    """Write a rate of PDV: ``20 %``."""
    percent = f"{basis_points / 100:g}"
    return f"{percent if of_reader().language == 'en' else percent.replace('.', ',')} %"


def tax_note(note: str | None) -> str:
    """Return why no PDV is charged, in words; nothing where it is."""
    words = {
        ABROAD: gettext("PDV is not charged: the place of supply is the buyer’s."),
        EXEMPT: gettext("PDV is not charged: the buyer is exempt."),
        OUTSIDE: gettext("PDV is not charged: the issuer is not in the PDV system."),
    }
    return words.get(note, note) if note else ""


def party(label: str, side: Mapping[str, Any]) -> Party:
    """Return a side as it was frozen on a document."""
    place = _joined((side.get("postcode"), side.get("city")), " ")
    country = side.get("country")
    if country and country != HOME:
        country = get_locale().territories.get(country, country)
    numbers = _joined(_tax_numbers(side), " · ")
    lines = (side.get("address"), place, country if country != HOME else "", numbers, side.get("number"))
    return Party(label, str(side["name"]), tuple(str(line) for line in lines if line))


def issuer_line(issuer: Mapping[str, Any]) -> str:
    """Return who issues, for the foot of each page."""
    place = _joined((issuer.get("address"), _joined((issuer.get("postcode"), issuer.get("city")), " ")), ", ")
    return _joined((issuer["name"], place, *_tax_numbers(issuer)), " · ")


def brand_of(issuer: Mapping[str, Any]) -> str:
    """Return the name at the top; documents of before there was one have the company's."""
    return str(issuer.get("brand") or issuer["name"])


def page_of() -> str:
    """Return what is said of each page."""
    return gettext("Page %(page)s of %(pages)s", page="{page}", pages="{pages}")


def printed_account(account: str) -> str:
    """Return an account as people write it: 840-955845-10, an IBAN in groups of four."""
    try:
        return print_account(read_account(account)) if account[:1].isdigit() else _in_fours(account)
    except NoPaymentCode:
        return account


def _tax_numbers(side: Mapping[str, Any]) -> list[str]:
    names = (gettext("PIB"), "pib"), (gettext("MB"), "mb")
    return [f"{name} {side[key]}" for name, key in names if side.get(key)]


def _in_fours(text: str) -> str:
    plain = "".join(text.split())
    return " ".join(plain[place : place + 4] for place in range(0, len(plain), 4))


def _joined(parts: Iterable[Any], between: str) -> str:
    return between.join(str(part) for part in parts if part)
