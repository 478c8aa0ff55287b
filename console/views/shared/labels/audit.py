"""What happened, in words, as an account's history tells it."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext

ACTOR_KINDS: dict[str, Text] = {
    "staff": lazy_gettext("staff"),
    "person": lazy_gettext("customer"),
    "visitor": lazy_gettext("visitor"),
    "system": lazy_gettext("system"),
}

# The kinds of action, by the part of an action's key before the dot; in the order people look for them.
AREAS: dict[str, tuple[Text, tuple[str, ...]]] = {
    "verification": (lazy_gettext("Verification and support PIN"), ("verification", "pin")),
    "customers": (lazy_gettext("Customers and their people"), ("customer", "member", "invitation", "person")),
    "services": (lazy_gettext("Services and domains"), ("service", "domain", "product")),
    "documents": (lazy_gettext("Pro-formas and payments"), ("proforma",)),
    "migrations": (lazy_gettext("Migrations"), ("migration",)),
    "tickets": (lazy_gettext("Tickets"), ("ticket", "ticket_view", "sla", "promise", "promises")),
    "chat": (lazy_gettext("Live chat"), ("chat",)),
    "reviews": (lazy_gettext("Quality reviews"), ("review",)),
    "replies": (lazy_gettext("Canned replies"), ("reply",)),
    "mail": (lazy_gettext("Mail"), ("mail",)),
    "staff": (lazy_gettext("Staff and sign-in"), ("staff",)),
    "settings": (lazy_gettext("Settings and hours"), ("hours", "department", "settings")),
    "data": (lazy_gettext("Data"), ("list", "demo", "data")),
}

_ACTIONS: dict[str, tuple[str, Text]] = {
    "data.restored": ("history", lazy_gettext("Restored from a backup")),
    "migration.refused": ("shield-x", lazy_gettext("Migration refused: services or new owner not found")),
    "customer.registered": ("user", lazy_gettext("Account registered")),
    "customer.status_changed": ("pencil", lazy_gettext("State of the account changed")),
    "member.added": ("plus", lazy_gettext("Person added")),
    "member.removed": ("minus", lazy_gettext("Person removed")),
    "member.changed": ("pencil", lazy_gettext("Person's permissions or mail changed")),
    "member.rights_changed": ("pencil", lazy_gettext("Permissions changed")),
    "invitation.sent": ("mail", lazy_gettext("Invitation sent")),
    "invitation.resent": ("mail", lazy_gettext("Invitation resent")),
    "invitation.revoked": ("ban", lazy_gettext("Invitation revoked")),
    "person.registration_asked": ("user", lazy_gettext("Registration requested")),
    "person.registered": ("user", lazy_gettext("Person registered")),
    "person.password_set": ("key", lazy_gettext("Portal password changed")),
    "person.password_reset": ("key", lazy_gettext("Portal password reset through a link")),
    "person.reset_asked": ("mail", lazy_gettext("Portal password reset requested")),
    "person.held": ("lock", lazy_gettext("Security hold for 72 hours")),
    "pin.issued": ("key", lazy_gettext("Support PIN created")),
    "pin.renewed": ("key", lazy_gettext("Support PIN replaced")),
    "pin.locked": ("lock", lazy_gettext("Verification locked after too many failed attempts")),
    "pin.unlocked": ("unlock", lazy_gettext("Verification unlocked")),
    "verification.started": ("shield-check", lazy_gettext("Person verified")),
    "verification.repeated": ("shield-check", lazy_gettext("Person verified again")),
    "verification.failed": ("shield-x", lazy_gettext("Verification failed")),
    "verification.ended": ("shield", lazy_gettext("Verification ended")),
    "verification.overridden": ("key", lazy_gettext("Opened by a supervisor with a reason")),
    "service.started": ("server", lazy_gettext("Service started")),
    "service.parted": ("corner", lazy_gettext("Link between services removed")),
    "service.suspended": ("pause", lazy_gettext("Service suspended")),
    "domain.registered": ("globe", lazy_gettext("Domain registered")),
    "proforma.issued": ("file-plus", lazy_gettext("Pro-forma issued")),
    "proforma.paid": ("coins", lazy_gettext("Payment recorded")),
    "proforma.cancelled": ("file-x", lazy_gettext("Pro-forma cancelled by storno")),
    "migration.requested": ("migrate", lazy_gettext("Migration requested")),
    "migration.approved": ("check", lazy_gettext("Migration approved")),
    "migration.executed": ("migrate", lazy_gettext("Migration executed")),
    "migration.rejected": ("x", lazy_gettext("Migration rejected")),
    "migration.withdrawn": ("ban", lazy_gettext("Migration withdrawn")),
    "migration.expired": ("clock", lazy_gettext("Migration expired")),
    "person.signed_in": ("user", lazy_gettext("Signed in to the portal")),
    "person.signed_out": ("logout", lazy_gettext("Signed out of the portal")),
    "person.sign_in_failed": ("lock", lazy_gettext("Portal sign-in failed")),
    "person.session_revoked": ("logout", lazy_gettext("Portal session ended")),
    "person.sessions_revoked": ("logout", lazy_gettext("All portal sessions ended")),
    "staff.added": ("plus", lazy_gettext("Staff account created")),
    "staff.changed": ("pencil", lazy_gettext("Staff account changed")),
    "staff.signed_in": ("user", lazy_gettext("Signed in")),
    "staff.signed_out": ("logout", lazy_gettext("Signed out")),
    "staff.sign_in_failed": ("lock", lazy_gettext("Sign-in failed")),
    "staff.code_refused": ("lock", lazy_gettext("Sign-in code refused")),
    "staff.password_set": ("key", lazy_gettext("Password changed")),
    "staff.reset_asked": ("key", lazy_gettext("Password reset link requested")),
    "staff.password_reset": ("key", lazy_gettext("Password changed via reset link")),
    "staff.totp_on": ("lock", lazy_gettext("Two-step sign-in switched on")),
    "staff.totp_off": ("unlock", lazy_gettext("Two-step sign-in switched off")),
    "staff.recovery_code_used": ("key", lazy_gettext("Recovery code used")),
    "staff.recovery_codes_made": ("key", lazy_gettext("Recovery codes generated")),
    "staff.session_revoked": ("logout", lazy_gettext("Session ended")),
    "staff.sessions_revoked": ("logout", lazy_gettext("All sessions ended")),
    "product.added": ("tag", lazy_gettext("Product added")),
    "product.changed": ("tag", lazy_gettext("Product changed")),
    "settings.changed": ("settings", lazy_gettext("Settings changed")),
    "reply.added": ("slash", lazy_gettext("Canned reply added")),
    "reply.changed": ("slash", lazy_gettext("Canned reply changed")),
    "reply.removed": ("trash", lazy_gettext("Canned reply removed")),
    "reply.standard_loaded": ("download", lazy_gettext("Standard replies loaded")),
    "reply.category_saved": ("tag", lazy_gettext("Category of replies saved")),
    "reply.category_removed": ("trash", lazy_gettext("Category of replies removed")),
    "ticket.masked": ("shield", lazy_gettext("Number masked in a ticket")),
    "chat.masked": ("shield", lazy_gettext("Number masked in a chat")),
    "ticket.opened": ("history", lazy_gettext("Ticket opened")),
    "ticket.replied": ("history", lazy_gettext("Ticket answered")),
    "ticket.noted": ("history", lazy_gettext("Note added")),
    "ticket.taken_back": ("history", lazy_gettext("Reply undone")),
    "ticket.answered": ("history", lazy_gettext("Requester replied")),
    "ticket.assigned": ("history", lazy_gettext("Ticket assigned")),
    "ticket.moved": ("history", lazy_gettext("Ticket’s state changed")),
    "ticket.priority_set": ("history", lazy_gettext("Ticket’s priority changed")),
    "ticket.department_set": ("history", lazy_gettext("Ticket’s department changed")),
    "ticket.renamed": ("history", lazy_gettext("Ticket’s subject changed")),
    "ticket.account_set": ("history", lazy_gettext("Ticket’s account set")),
    "ticket.tagged": ("history", lazy_gettext("Ticket tagged")),
    "ticket.untagged": ("history", lazy_gettext("Tag removed from ticket")),
    "ticket.merged": ("history", lazy_gettext("Tickets merged")),
    "ticket.merge_undone": ("history", lazy_gettext("Merge undone")),
    "ticket.split": ("history", lazy_gettext("Ticket split")),
    "ticket.linked": ("history", lazy_gettext("Tickets linked")),
    "ticket.unlinked": ("history", lazy_gettext("Tickets unlinked")),
    "ticket.language_set": ("globe", lazy_gettext("Ticket’s language changed")),
    "ticket.links_voided": ("history", lazy_gettext("Requester’s links revoked")),
    "ticket_view.shared": ("history", lazy_gettext("View shared")),
    "ticket_view.changed": ("history", lazy_gettext("Shared view changed")),
    "ticket_view.removed": ("history", lazy_gettext("Shared view removed")),
    "department.added": ("history", lazy_gettext("Department added")),
    "department.changed": ("history", lazy_gettext("Department changed")),
    "hours.week_changed": ("history", lazy_gettext("Opening hours changed")),
    "hours.special_added": ("history", lazy_gettext("Closure or opening added")),
    "hours.special_removed": ("history", lazy_gettext("Closure or opening removed")),
    "verification.withdrawn": ("ban", lazy_gettext("Verification link revoked")),
    "verification.asked": ("history", lazy_gettext("Verification requested")),
    "sla.changed": ("clock", lazy_gettext("SLA targets changed")),
    "sla.missed": ("alert", lazy_gettext("SLA target missed")),
    "sla.escalated": ("bell", lazy_gettext("Supervisors notified of missed SLA targets")),
    # As entries before version 0027 of the schema call them: an entry is never rewritten.
    "promises.changed": ("clock", lazy_gettext("SLA targets changed")),
    "promise.broken": ("alert", lazy_gettext("SLA target missed")),
    "promise.escalated": ("bell", lazy_gettext("Supervisors notified of missed SLA targets")),
    "mail.resent": ("mail", lazy_gettext("E-mail resent")),
    "mail.withdrawn": ("ban", lazy_gettext("E-mail withdrawn before it was sent")),
    "ticket.rated": ("star", lazy_gettext("Requester rated the answer")),
    "review.picked": ("star", lazy_gettext("Ticket sent for review")),
    "review.scored": ("star", lazy_gettext("Review finished")),
    "review.corrected": ("star", lazy_gettext("Review corrected")),
    "review.skipped": ("star", lazy_gettext("Review skipped")),
    "review.answered": ("star", lazy_gettext("Review replied to")),
    "review.settled": ("star", lazy_gettext("Reply to a review read")),
    "review.rubric_changed": ("star", lazy_gettext("Rubric changed")),
    "chat.opened": ("chat", lazy_gettext("Chat started")),
    "chat.claimed": ("chat", lazy_gettext("Chat taken")),
    "chat.assigned": ("chat", lazy_gettext("Chat assigned")),
    "chat.transferred": ("transfer", lazy_gettext("Chat transferred")),
    "chat.stepped_in": ("transfer", lazy_gettext("Supervisor joined a chat")),
    "chat.requeued": ("chat", lazy_gettext("Chat returned to the queue")),
    "chat.closed": ("chat", lazy_gettext("Chat ended")),
    "chat.ticketed": ("ticket", lazy_gettext("Chat converted to ticket")),
    "chat.rated": ("star", lazy_gettext("Visitor rated the chat")),
    "chat.transcript_mailed": ("mail", lazy_gettext("Chat transcript e-mailed")),
    "chat.presence": ("user", lazy_gettext("Availability changed")),
    "chat.rules_changed": ("settings", lazy_gettext("Chat rules changed")),
    "chat.announced": ("bell", lazy_gettext("Announcement changed")),
    "chat.blocked": ("ban", lazy_gettext("Visitor blocked")),
    "chat.unblocked": ("ban", lazy_gettext("Visitor unblocked")),
    "chat.forgotten": ("trash", lazy_gettext("Old chats deleted")),
    "list.exported": ("download", lazy_gettext("List exported")),
    "demo.filled": ("sparkle", lazy_gettext("Demo data created")),
}


def actions_of(area: str) -> list[str]:
    """Return the actions of one of :data:`AREAS`, in the order of their words here."""
    prefixes = AREAS[area][1]
    return [action for action in _ACTIONS if action.partition(".")[0] in prefixes]


def action_names() -> dict[str, Text]:
    """Return every action that has words, by its own name."""
    return {action: words for action, (_icon, words) in _ACTIONS.items()}


def action_name(action: str) -> Text:
    """Return an action in words; its own name where it has none yet."""
    return _ACTIONS[action][1] if action in _ACTIONS else action


def action_icon(action: str) -> str:
    """Return the icon of an action."""
    return _ACTIONS[action][0] if action in _ACTIONS else "dot"
