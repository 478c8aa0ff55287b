"""What a mailed link offers to the holder of its address, who takes it with the sign-in they have or make now.

The link is in no address that leads elsewhere: a sign-in page with it as its way back would write it into logs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound, Refusal
from console.core.passwords import hash_password
from console.core.transaction import transaction
from console.customers import signin
from console.customers.account.models import Handover
from console.customers.models import Invitation, Membership, Person
from console.portal.answers import link_gone, show_again
from console.portal.forms import PortalForm, RegisterInvitedForm
from console.portal.signin import check_sign_in, open_session_of
from console.web.identity import current_person

Offer = TypeVar("Offer", Invitation, Handover)  # each has the address that its link was mailed to


@dataclass(frozen=True)
class MailedOffer(Generic[Offer]):
    """One kind of offer: an invitation to an account, or the account itself.

    Args:
        find: returns what a token offers; looking uses nothing up.
        accept: takes it, for a person who has a sign-in.
        register: takes it with a sign-in that is made: token, name, hashed password, network address.
        page: draws the offer with its form.
        done: answers when it was taken.
        gone: the template for a link that no longer works.
    """

    find: Callable[[str], Offer]
    accept: Callable[[Actor, str, Person], Membership]
    register: Callable[[str, str, str, str | None], Membership]
    page: Callable[[str, Offer, RegisterInvitedForm], Response]
    done: Callable[[Membership], ResponseReturnValue]
    gone: str = "portal/link_gone.html"

    def take(self, token: str) -> ResponseReturnValue:
        """Accept with the sign-in of the address; a person who is not signed in enters the password."""
        form = PortalForm()
        try:
            found = self.find(token)
            if not (current_user.is_authenticated and current_person().email == found.email):
                open_session_of(check_sign_in(found.email, form.own_password.data or ""), found.email)
            with transaction():
                person = db.session.scalars(select(Person).where(Person.email == found.email)).one()
                actor = Actor(kind="person", id=person.id, name=person.name, address=request.remote_addr)
                member = self.accept(actor, token, person)
        except NotFound:
            return link_gone(self.gone)
        except Refusal as refusal:
            blank = RegisterInvitedForm(formdata=None, email=found.email)
            return show_again(refusal, blank, lambda: self.page(token, found, blank))
        return self.done(member)

    def take_registering(self, token: str) -> ResponseReturnValue:
        """Make a sign-in for the address, take the offer, and be signed in."""
        try:
            found = self.find(token)
        except NotFound:
            return link_gone(self.gone)
        form = RegisterInvitedForm(email=found.email)
        try:
            form.require()
            hashed = hash_password(form.password.data or "")
            with transaction():
                member = self.register(token, form.name.data or "", hashed, request.remote_addr)
        except NotFound:
            return link_gone(self.gone)
        except Refusal as refusal:
            return show_again(refusal, form, lambda: self.page(token, found, form))
        open_session_of(signin.PasswordProof(member.person_id, hashed), member.person.email)
        return self.done(member)
