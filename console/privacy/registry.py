"""Every domain that has data of people. What a domain adds to a copy or to an erasure is registered here."""

from __future__ import annotations

from console.privacy.parts import Source
from console.privacy.sources import account, bank, business, conversations, customers, dns, identity, requests

# In the order of an erasure: people last, because the others look for their addresses.
SOURCES: tuple[Source, ...] = (
    conversations.MAILS,
    conversations.TICKETS,
    conversations.CHATS,
    business.HOSTING,
    dns.SOURCE,
    business.BILLING,
    bank.SOURCE,
    requests.SOURCE,
    business.AUDIT,
    account.SOURCE,
    identity.SOURCE,
    customers.SOURCE,
)
