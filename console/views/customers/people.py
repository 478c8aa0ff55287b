"""Contacts and users of an account, changed by an agent for a verified caller with the portal's forms and verbs."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.actor import Actor
from console.core.errors import NotFound, Refusal, Text, TooMany
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.access import rights_of
from console.customers.models import Customer, Invitation, MemberRole, Membership
from console.customers.people import invitations, members
from console.customers.people.forms import ContactForm, InviteForm, UserForm
from console.customers.queries import find_member
from console.customers.rights import Right
from console.views.customers.acting import ActingPage
from console.views.shared.menu import customer_url
from console.web.answers import send_back, wants_json
from console.web.identity import current_actor


def views() -> list[ActingPage]:
    """Return the page."""
    return [
        PeoplePage(
            name=lazy_gettext("People and permissions"),
            endpoint="customer_people",
            url="/console/customers/<number>/people",
        )
    ]


class PeoplePage(ActingPage):
    """One form for each: a contact, a user, an invitation. The owner is told of each change."""

    @expose("/")
    def index(self, number: str) -> ResponseReturnValue:
        """Lead to the list of the account's people, on its own page."""
        return self.back(self.account(number, Right.CONTACTS), "people")

    @expose("/contact")
    def contact_form(self, number: str) -> ResponseReturnValue:
        """Show the form for another contact."""
        customer = self.account(number, Right.CONTACTS)
        return self._contact_page(customer, ContactForm(formdata=None), None)

    @expose("/contact", methods=["POST"])
    def add_contact(self, number: str) -> ResponseReturnValue:
        """Add a contact."""
        customer, form = self.account(number, Right.CONTACTS), ContactForm()
        try:
            form.require()
            with transaction():
                contact = members.add_contact(current_actor(), customer, form.contact())
        except Refusal as refusal:
            return self.answer(refusal, form, lambda: self._contact_page(customer, form, None))
        return self._done(customer, contact, gettext("The contact was added. The owner was notified by e-mail."))

    @expose("/contact/<id:contact_id>")
    def contact(self, number: str, contact_id: int) -> ResponseReturnValue:
        """Show one contact in its form."""
        customer, member = self._member(number, contact_id, MemberRole.CONTACT)
        names = ("name", "address", "city", "postcode")
        values = {name: getattr(member, name) for name in names}
        values |= {"email": member.person.email, "phone": member.phone_number}
        form = ContactForm(formdata=None, data=values | {"permissions": member.rights, "categories": member.mail})
        return self._contact_page(customer, form, member)

    @expose("/contact/<id:contact_id>", methods=["POST"])
    def change_contact(self, number: str, contact_id: int) -> ResponseReturnValue:
        """Save a contact."""
        customer, member = self._member(number, contact_id, MemberRole.CONTACT)
        form = ContactForm()
        try:
            form.require()
            with transaction():
                before = members.state_of(member)
                changed = members.change_contact(current_actor(), contact_id, form.contact())
                message = _saved(before, changed)
        except Refusal as refusal:
            return self.answer(refusal, form, lambda: self._contact_page(customer, form, member))
        return self._done(customer, changed, message)

    @expose("/user/<id:user_id>")
    def user(self, number: str, user_id: int) -> ResponseReturnValue:
        """Show a user's permissions in their form."""
        customer, member = self._member(number, user_id, MemberRole.USER)
        form = UserForm(formdata=None, data={"permissions": member.rights, "categories": member.mail})
        return self._user_page(customer, form, member)

    @expose("/user/<id:user_id>", methods=["POST"])
    def change_user(self, number: str, user_id: int) -> ResponseReturnValue:
        """Save a user's permissions and mail."""
        customer, member = self._member(number, user_id, MemberRole.USER)
        form = UserForm()
        try:
            form.require()
            with transaction():
                before = members.state_of(member)
                changed = members.change_user(current_actor(), user_id, form.rights(), form.mail())
                message = _saved(before, changed)
        except Refusal as refusal:
            return self.answer(refusal, form, lambda: self._user_page(customer, form, member))
        return self._done(customer, changed, message)

    @expose("/invite")
    def invite_form(self, number: str) -> ResponseReturnValue:
        """Show the form of an invitation."""
        return self._invite_page(self.account(number, Right.CONTACTS), InviteForm(formdata=None))

    @expose("/invite", methods=["POST"])
    def invite(self, number: str) -> ResponseReturnValue:
        """Send an invitation."""
        customer, form = self.account(number, Right.CONTACTS), InviteForm()
        actor = current_actor()
        try:
            form.require()
            with transaction():
                rights = form.granted(rights_of(actor, customer.id))
                invitation = invitations.invite(actor, customer, form.email.data or "", rights)
        except Refusal as refusal:
            return self.answer(refusal, form, lambda: self._invite_page(customer, form))
        if wants_json():
            return jsonify(invitation={"id": invitation.id, "email": invitation.email})
        flash(gettext("The invitation to %(email)s is on its way.", email=invitation.email), "success")
        return self.back(customer, "people")

    @expose("/invitations/<id:invitation_id>/resend", methods=["POST"])
    def resend_invitation(self, number: str, invitation_id: int) -> ResponseReturnValue:
        """Mail an invitation again."""
        return self._invitation(
            number,
            invitation_id,
            invitations.resend,
            lazy_gettext("The invitation is on its way again. The owner was notified by e-mail."),
        )

    @expose("/invitations/<id:invitation_id>/revoke", methods=["POST"])
    def revoke_invitation(self, number: str, invitation_id: int) -> ResponseReturnValue:
        """Make an invitation void."""
        return self._invitation(
            number,
            invitation_id,
            invitations.revoke,
            lazy_gettext("The invitation was revoked. The owner was notified by e-mail."),
        )

    @expose("/member/<id:member_id>/remove", methods=["POST"])
    def remove(self, number: str, member_id: int) -> ResponseReturnValue:
        """Take a contact or user off the account."""
        customer, member = self._member(number, member_id, None)
        with transaction():
            removed = members.remove_member(current_actor(), member.id)
        message = gettext("%(name)s was removed from the account. The owner was notified by e-mail.", name=removed.name)
        return self._done(customer, removed, message)

    def _member(self, number: str, member_id: int, role: MemberRole | None) -> tuple[Customer, Membership]:
        customer, member = self.account(number, Right.CONTACTS), find_member(member_id)
        if member is None or member.customer_id != customer.id or role not in (None, member.role):
            raise NotFound
        return customer, member

    def _invitation(
        self, number: str, invitation_id: int, verb: Callable[[Actor, int], Invitation], message: Text
    ) -> ResponseReturnValue:
        """Carry out a verb on one of the account's invitations."""
        customer = self.account(number, Right.CONTACTS)
        if all(one.id != invitation_id for one in invitations.open_invitations(customer.id)):
            raise NotFound
        try:
            with transaction():
                invitation = verb(current_actor(), invitation_id)
        except TooMany as refusal:
            return send_back(refusal, f"{customer_url(customer.number)}?tab=people")
        if wants_json():
            return jsonify(invitation={"id": invitation.id, "email": invitation.email})
        flash(str(message), "success")
        return self.back(customer, "people")

    def _done(self, customer: Customer, member: Membership, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(member={"id": member.id, "permissions": member.rights, "categories": member.mail})
        flash(message, "success")
        return self.back(customer, "people")

    def _contact_page(self, customer: Customer, form: ContactForm, member: Membership | None) -> str:
        return self.draw("admin/customers/contact.html", customer, form, member=member)

    def _user_page(self, customer: Customer, form: UserForm, member: Membership) -> str:
        return self.draw("admin/customers/user.html", customer, form, member=member)

    def _invite_page(self, customer: Customer, form: InviteForm) -> str:
        return self.draw("admin/customers/invite.html", customer, form)


def _saved(before: tuple[object, ...], changed: Membership) -> str:
    if before == members.state_of(changed):
        return gettext("Changes saved.")
    return gettext("Changes saved. The owner was notified by e-mail.")
