"""Contacts and independent users of an account, as the FAQ names them: Kontakti/podnalozi, Upravljaj korisnicima."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from console.core.emails import normal_email
from console.core.errors import NotFound, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers import labels
from console.customers.access import rights_of
from console.customers.models import Invitation, MemberRole, Membership
from console.customers.people import invitations, members
from console.customers.queries import find_member, members_of
from console.customers.rights import MailCategory, Right
from console.customers.verification.pins import may_hold
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import ContactForm, InviteForm, UserForm
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor


@portal.get("/contacts/")
@signed_in
def contacts() -> ResponseReturnValue:
    """List the contacts of the chosen account, with the form for another one."""
    mine = _account()
    found = _with_role(mine, MemberRole.CONTACT)
    if wants_json():
        return jsonify(items=[_contact(one) for one in found], next=None)
    return _contacts_page(mine, found, ContactForm(formdata=None))


@portal.post("/contacts/")
@signed_in
def add_contact() -> ResponseReturnValue:
    """Add a contact."""
    mine, form = _account(), ContactForm()
    try:
        form.require()
        data = form.contact()
        _confirm_grants(data.rights, frozenset())
        with transaction():
            contact = members.add_contact(current_actor(), mine.customer, data)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _contacts_page(mine, _with_role(mine, MemberRole.CONTACT), form))
    if wants_json():
        return jsonify(contact=_contact(contact))
    flash(gettext("The contact was added."), "success")
    return redirect(url_for("portal.contacts", account=mine.customer.number), 303)


@portal.get("/contacts/<id:contact_id>")
@signed_in
def contact(contact_id: int) -> ResponseReturnValue:
    """Show one contact in its form."""
    mine, member = _member(contact_id, MemberRole.CONTACT)
    if wants_json():
        return jsonify(contact=_contact(member))
    return _contact_page(mine, member, ContactForm(formdata=None, data=_filled_in(member)))


@portal.post("/contacts/<id:contact_id>")
@signed_in
def change_contact(contact_id: int) -> ResponseReturnValue:
    """Save a contact."""
    mine, member = _member(contact_id, MemberRole.CONTACT)
    form = ContactForm()
    try:
        form.require()
        data = form.contact()
        # Another address is another person, to whom everything is granted.
        held = member.held_rights() if normal_email(data.email) == member.person.email else frozenset[Right]()
        _confirm_grants(data.rights, held)
        with transaction():
            member = members.change_contact(current_actor(), contact_id, data)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _contact_page(mine, member, form))
    if wants_json():
        return jsonify(contact=_contact(member))
    flash(gettext("Changes saved."), "success")
    return redirect(url_for("portal.contacts", account=mine.customer.number), 303)


@portal.get("/users/")
@signed_in
def users() -> ResponseReturnValue:
    """List who can sign in to the chosen account, and who is invited."""
    mine = _account()
    if wants_json():
        found = members_of(mine.customer_id)
        waiting = invitations.open_invitations(mine.customer_id)
        people = [one for one in found if one.role is not MemberRole.CONTACT]
        return jsonify(
            items=[_user(one) for one in people], invitations=[_invitation(one) for one in waiting], next=None
        )
    return _users_page(mine, InviteForm(formdata=None))


@portal.post("/users/invite")
@signed_in
def invite() -> ResponseReturnValue:
    """Send an invitation."""
    mine, form = _account(), InviteForm()
    try:
        form.require()
        rights = form.granted(rights_of(current_actor(), mine.customer_id))
        _confirm_grants(rights, frozenset())
        with transaction():
            invitation = invitations.invite(current_actor(), mine.customer, form.email.data or "", rights)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _users_page(mine, form))
    if wants_json():
        return jsonify(invitation=_invitation(invitation))
    flash(gettext("The invitation to %(email)s is on its way.", email=invitation.email), "success")
    return redirect(url_for("portal.users", account=mine.customer.number), 303)


@portal.post("/users/invitations/<id:invitation_id>/resend")
@signed_in
def resend_invitation(invitation_id: int) -> ResponseReturnValue:
    """Mail an invitation again."""
    with transaction():
        invitation = invitations.resend(current_actor(), invitation_id)
    return _done(invitation, gettext("The invitation to %(email)s is on its way.", email=invitation.email))


@portal.post("/users/invitations/<id:invitation_id>/revoke")
@signed_in
def revoke_invitation(invitation_id: int) -> ResponseReturnValue:
    """Make an invitation void."""
    with transaction():
        invitation = invitations.revoke(current_actor(), invitation_id)
    return _done(invitation, gettext("The invitation was revoked."))


@portal.get("/users/<id:user_id>")
@signed_in
def user(user_id: int) -> ResponseReturnValue:
    """Show one user's permissions in their form."""
    mine, member = _member(user_id, MemberRole.USER)
    if wants_json():
        return jsonify(user=_user(member))
    form = UserForm(formdata=None, data={"permissions": member.rights, "categories": member.mail})
    return _user_page(mine, member, form)


@portal.post("/users/<id:user_id>")
@signed_in
def change_user(user_id: int) -> ResponseReturnValue:
    """Save a user's permissions and mail."""
    mine, member = _member(user_id, MemberRole.USER)
    form = UserForm()
    try:
        form.require()
        rights = form.rights()
        _confirm_grants(rights, member.held_rights())
        with transaction():
            member = members.change_user(current_actor(), user_id, rights, form.mail())
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _user_page(mine, member, form))
    if wants_json():
        return jsonify(user=_user(member))
    flash(gettext("Changes saved."), "success")
    return redirect(url_for("portal.users", account=mine.customer.number), 303)


@portal.post("/members/<id:member_id>/remove")
@signed_in
def remove_member(member_id: int) -> ResponseReturnValue:
    """Take a contact or user off the account."""
    with transaction():
        member = members.remove_member(current_actor(), member_id)
    if wants_json():
        return jsonify(removed=member.id)
    flash(gettext("%(name)s was removed from the account.", name=member.name), "success")
    page = "portal.contacts" if member.role is MemberRole.CONTACT else "portal.users"
    return redirect(url_for(page, account=member.customer.number), 303)


def _account() -> Membership:
    return chosen(own_accounts(Right.CONTACTS))


def _member(member_id: int, role: MemberRole) -> tuple[Membership, Membership]:
    """Return one's own membership of an account, and the person on it who is asked for.

    Raises:
        NotFound: there is no such person, or it is an account whose people one may not manage.
    """
    member = find_member(member_id)
    own = own_accounts(Right.CONTACTS)
    mine = next((one for one in own if member is not None and one.customer_id == member.customer_id), None)
    if member is None or mine is None or member.role is not role:
        raise NotFound
    return mine, member


def _with_role(mine: Membership, role: MemberRole) -> Sequence[Membership]:
    return [one for one in members_of(mine.customer_id) if one.role is role]


def _confirm_grants(rights: frozenset[Right], held: frozenset[Right]) -> None:
    """Require the password for granting permissions; removing them needs none."""
    if rights - held:
        confirmation.require()


def _filled_in(member: Membership) -> dict[str, Any]:
    return {
        "name": member.name,
        "email": member.person.email,
        "phone": member.phone_number,
        "address": member.address,
        "city": member.city,
        "postcode": member.postcode,
        "permissions": member.rights,
        "categories": member.mail,
    }


def _contacts_page(mine: Membership, found: Sequence[Membership], form: ContactForm) -> str:
    handed = {one.id for one in found if may_hold(current_actor(), one)}
    return _page("portal/contacts.html", mine, form, contacts=found, handed=handed)


def _contact_page(mine: Membership, member: Membership, form: ContactForm) -> str:
    return _page("portal/contact.html", mine, form, member=member)


def _users_page(mine: Membership, form: InviteForm) -> str:
    people = [one for one in members_of(mine.customer_id) if one.role is not MemberRole.CONTACT]
    waiting = invitations.open_invitations(mine.customer_id)
    return _page("portal/users.html", mine, form, users=people, invitations=waiting)


def _user_page(mine: Membership, member: Membership, form: UserForm) -> str:
    return _page("portal/user.html", mine, form, member=member)


def _page(template: str, mine: Membership, form: Any, **values: Any) -> str:
    return render_template(
        template,
        accounts=own_accounts(Right.CONTACTS),
        mine=mine,
        form=form,
        own=rights_of(current_actor(), mine.customer_id),
        labels=labels,
        all_rights=list(Right),
        confirm=confirmation.is_needed(),
        **values,
    )


def _done(invitation: Invitation, message: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(invitation=_invitation(invitation))
    flash(message, "success")
    return redirect(url_for("portal.users", account=invitation.customer.number), 303)


def _contact(member: Membership) -> dict[str, Any]:
    return {"id": member.id} | _filled_in(member)


def _user(member: Membership) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "email": member.person.email,
        "role": member.role.value,
        "permissions": sorted(right.value for right in member.held_rights()),
        "categories": [category.value for category in MailCategory if category.value in member.mail],
    }


def _invitation(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "email": invitation.email,
        "permissions": invitation.rights,
        "expires_at": local_time(invitation.expires_at),
    }
