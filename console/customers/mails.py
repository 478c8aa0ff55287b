"""A mail to one of our people about one of their accounts: to their address, in their language."""

from __future__ import annotations

from typing import Any

from console.customers.models import Customer, Person
from console.mail.models import Mail
from console.mail.service import queue


def write_to(person: Person, customer: Customer, template: str, /, *, about: str | None = None, **values: Any) -> Mail:
    """Write a mail to be sent after the commit. The template knows the person as ``name``.

    Args:
        template: a name under ``templates/mail``.
        about: the subject, as ``migration:M-12``.
    """
    return queue(
        template,
        to_address=person.email,
        to_name=person.name,
        language=person.language or customer.language,
        customer_id=customer.id,
        about=about,
        name=person.name,
        **values,
    )
