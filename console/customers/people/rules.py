"""Who may change whom on an account.

``contacts`` lets a person see and manage the account's people; none of them grants what they do not hold, changes
themselves, or touches someone who holds more than they do. So no chain of grants reaches further than its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.core.actor import Actor
from console.core.errors import Conflict, Invalid
from console.core.texts import lazy_gettext
from console.customers import holds, signin
from console.customers.access import membership_behind, require_right
from console.customers.models import Membership
from console.customers.rights import Right


def require_manager(actor: Actor, customer_id: int) -> frozenset[Right]:
    """Return what ``actor`` may grant on an account, if they may manage its people.

    Raises:
        NotFound: they may not.
    """
    return require_right(actor, customer_id, Right.CONTACTS)


def require_may_change(actor: Actor, membership: Membership) -> frozenset[Right]:
    """Return what ``actor`` may grant, if they may change or remove this person.

    Raises:
        NotFound: they may not manage people, or the person was removed.
        Conflict: ``owner``, ``self`` or ``more_rights``.
    """
    own = require_manager(actor, membership.customer_id)
    if membership.is_owner:
        raise Conflict(lazy_gettext("The owner’s permissions cannot be changed."), code="owner")
    manager = membership_behind(actor, membership.customer_id)
    if manager is not None and manager.id == membership.id:
        raise Conflict(lazy_gettext("You cannot change your own permissions."), code="self")
    if not membership.held_rights() <= own:
        raise Conflict(lazy_gettext("This person has permissions that you do not have."), code="more_rights")
    return own


def require_may_grant(actor: Actor, customer_id: int, added: Iterable[Right], own: frozenset[Right]) -> None:
    """Refuse a grant of what ``actor`` does not hold, and any grant while they are on hold or not freshly signed in.

    Args:
        added: what the person does not hold yet.
        own: what ``actor`` may do on the account.

    Raises:
        Invalid: one of them is not theirs to grant.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Conflict: ``held``.
    """
    added = frozenset(added)
    if not added <= own:
        raise Invalid(fields={"permissions": [lazy_gettext("You can only grant permissions that you have.")]})
    if added:
        signin.require_confirmed(actor)
    manager = membership_behind(actor, customer_id)
    if added and manager is not None:
        holds.require_none(manager.person)
