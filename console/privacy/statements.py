"""What becomes of every text that is stored, where a person is erased: a statement for each column.

A test holds this against the tables there are: a new column that can hold words is stated here.
"""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What an erasure does."""

    ERASED = "erased"  # emptied, made anonymous, or its row deleted
    SEALED = "sealed"  # unreadable, because its key is destroyed
    LAW = "law"  # stays: documents and what explains them
    SHORT = "short"  # goes by itself within hours or days
    STAFF = "staff"  # about colleagues, or written by them about the desk
    NONE = "none"  # no one's: a key, a state, a digest, a text for everybody


_ERASED, _SEALED, _LAW, _SHORT, _STAFF, _NONE = Fate

STATEMENTS: dict[str, dict[str, Fate]] = {
    # Entries written before names were sealed stay as they are: the chain cannot be rewritten (docs/privacy.md).
    # What is personal in ``data`` lies in it under the key of the one it is about; the rest are keys, states, amounts.
    "audit_entries": {"actor_name": _STAFF, "address": _STAFF, "sealed": _SEALED, "data": _SEALED, "subject": _NONE},
    "person_keys": {"sealed_key": _ERASED},
    "customers": {
        "name": _ERASED, "name_key": _ERASED, "pib": _ERASED, "mb": _ERASED, "address": _ERASED, "postcode": _ERASED,
        "city": _ERASED, "phone": _ERASED, "external_id": _ERASED,
    },
    "people": {"email": _ERASED, "name": _ERASED, "phone": _ERASED, "password_hash": _ERASED},
    "memberships": {
        "contact_name": _ERASED, "phone": _ERASED, "address": _ERASED, "city": _ERASED, "postcode": _ERASED,
        "pin_secret": _ERASED, "rights": _ERASED, "mail": _ERASED,
    },
    "profile_corrections": {"before": _ERASED, "after": _ERASED, "reason": _ERASED, "answer": _ERASED},
    "email_changes": {"old_email": _ERASED, "new_email": _ERASED},
    "handovers": {
        "email": _ERASED, "person_name": _ERASED, "name": _ERASED, "pib": _ERASED, "mb": _ERASED, "address": _ERASED,
        "postcode": _ERASED, "city": _ERASED, "phone": _ERASED,
    },
    "person_authenticators": {"sealed_secret": _ERASED},
    "passkeys": {
        "name": _ERASED, "credential_digest": _ERASED, "credential_id": _ERASED, "public_key": _ERASED,
        "user_handle": _ERASED, "transports": _ERASED,
    },
    "device_recoveries": {"address": _ERASED},
    "sso_applications": {
        "client_id": _NONE, "name": _NONE, "secret_digest": _NONE, "redirect_uris": _NONE, "post_logout_uris": _NONE,
        "scopes": _NONE,
    },
    "sso_grants": {"scopes": _ERASED, "end_reason": _NONE},
    "sso_codes": {"digest": _SHORT, "redirect_uri": _SHORT, "scope": _SHORT, "nonce": _SHORT, "challenge": _SHORT},
    "sso_tokens": {"digest": _SHORT, "scope": _SHORT},
    "sso_keys": {"kid": _NONE, "sealed_key": _NONE},
    "invitations": {"email": _ERASED, "rights": _NONE},
    "registrations": {
        "email": _ERASED, "name": _ERASED, "password_hash": _ERASED, "company": _ERASED, "pib": _ERASED, "mb": _ERASED,
    },
    "person_sessions": {"token_digest": _ERASED, "address": _ERASED, "user_agent": _ERASED},
    "proven_addresses": {"address": _ERASED},
    "verifications": {"reason": _ERASED, "channel": _NONE, "rights": _NONE, "end_reason": _NONE},
    "verification_cards": {"token_digest": _NONE, "channel": _NONE},
    "verification_guards": {"key": _SHORT, "failures": _SHORT},
    "one_time_tokens": {"purpose": _NONE, "subject": _NONE, "digest": _NONE},
    "idempotency_keys": {"scope": _NONE, "key": _NONE, "request": _NONE, "answer": _NONE},
    "data_exports": {"lease": _NONE, "digest": _ERASED},
    "erasures": {"counts": _NONE},
    "mail": {
        "to_address": _ERASED, "to_name": _ERASED, "subject": _ERASED, "text": _ERASED, "html": _ERASED,
        "counted_as": _ERASED, "reply_to": _ERASED, "sealed_links": _ERASED, "message_id": _ERASED,
        "subject_ref": _ERASED,
        "in_reply_to": _ERASED, "references": _ERASED, "attachments": _ERASED, "last_error": _ERASED,
        "shown_to": _ERASED, "cc": _ERASED, "leaves": _ERASED, "from_address": _NONE, "template": _NONE, "lease": _NONE,
    },
    "incoming_mail": {
        "message_id": _ERASED, "from_address": _ERASED, "from_name": _ERASED, "copies": _ERASED, "subject": _ERASED,
        "story": _ERASED, "sealed_key": _ERASED, "raw_file": _ERASED, "digest": _ERASED, "fingerprint": _ERASED,
        "reason": _NONE, "via": _NONE,
    },
    "mailboxes": {"key": _NONE, "name": _STAFF, "address": _NONE, "language": _NONE, "signature": _STAFF},
    "imap_accounts": {
        "host": _NONE, "folder": _NONE, "user": _NONE, "client_id": _NONE, "token_url": _NONE,
        "sealed_password": _NONE, "sealed_client_secret": _NONE, "sealed_refresh_token": _NONE,
    },
    "imap_states": {"place": _NONE, "lease": _NONE, "problem": _NONE, "detail": _NONE},  # what the mail server said
    "imap_unread": {"problem": _NONE, "detail": _NONE},
    "blocked_senders": {"pattern": _ERASED},
    "stopped_addresses": {"address": _ERASED, "status": _ERASED, "diagnostic": _ERASED},
    "ticket_participants": {"address": _ERASED, "name": _ERASED},
    "ticket_forwards": {"address": _ERASED},
    "mail_relay": {"last_error": _NONE},
    "tickets": {
        "subject": _ERASED, "requester_name": _ERASED, "requester_email": _ERASED, "tags": _ERASED,
        "preview": _ERASED, "last_by": _NONE,
    },
    "ticket_messages": {
        "name": _ERASED, "body": _ERASED, "data": _ERASED, "event": _NONE, "client_id": _NONE, "via": _NONE,
    },
    "ticket_attachments": {"name": _ERASED, "content_type": _ERASED, "digest": _ERASED},
    "ticket_drafts": {"body": _ERASED},
    "ticket_tags": {"tag": _ERASED},
    "ticket_ratings": {"comment": _ERASED},
    "sla_targets": {"pauses": _NONE},
    "ticket_views": {"name": _STAFF, "query": _STAFF, "columns": _STAFF},
    "reviews": {"key": _NONE, "remark": _ERASED, "skip_reason": _ERASED, "note": _ERASED},
    "review_answers": {"name": _STAFF, "body": _ERASED, "client_id": _NONE},
    "review_quotes": {"remark": _ERASED},
    "review_scores": {"name_sr": _NONE, "name_en": _NONE},
    "review_criteria": {"name_sr": _NONE, "name_en": _NONE, "about_sr": _NONE, "about_en": _NONE},
    "review_settings": {"drawn_week": _NONE},
    "chats": {
        "name": _ERASED, "email": _ERASED, "verified_name": _ERASED, "visitor": _ERASED, "page": _ERASED,
        "preview": _ERASED, "rating_comment": _ERASED, "source": _NONE, "open_key": _NONE, "last_by": _NONE,
        "ended_by": _NONE,
    },
    "chat_messages": {"name": _ERASED, "body": _ERASED, "data": _ERASED, "client_key": _NONE},
    "chat_files": {"name": _ERASED, "content_type": _ERASED, "digest": _ERASED},
    "chat_drafts": {"body": _ERASED},
    "chat_blocks": {"source": _NONE, "email": _ERASED, "reason": _ERASED},
    "chat_settings": {"announcement_sr": _NONE, "announcement_en": _NONE},
    "services": {"label": _LAW, "external_id": _LAW},
    "service_ownerships": {"cause": _LAW},
    "domains": {"name": _LAW, "name_key": _LAW},
    "dns_records": {"name": _ERASED, "value": _ERASED},
    "dns_versions": {"actor_name": _ERASED, "added": _ERASED, "removed": _ERASED},
    "dns_publications": {"last_error": _ERASED, "lease": _NONE},
    "products": {"code": _NONE, "name": _NONE},
    "proformas": {
        "number": _LAW, "series": _LAW, "buyer": _LAW, "issuer": _LAW, "reference": _LAW, "tax_note": _LAW,
        "reference_key": _LAW, "external_id": _LAW, "note": _LAW,
    },
    "payments": {
        "reference": _LAW, "reference_key": _LAW, "payer": _LAW, "payer_account": _LAW, "purpose": _LAW,
        "currency": _LAW,
    },
    "ledger_entries": {"reason": _LAW},
    "duties": {"number": _LAW, "currency": _LAW},
    "proforma_lines": {"description": _LAW},
    "suspension_requests": {"reason": _LAW},
    "document_files": {"language": _LAW, "sha256": _LAW},
    "pay_links": {"token_digest": _NONE, "sealed_token": _NONE},
    "stornos": {"number": _LAW, "series": _LAW, "buyer": _LAW, "issuer": _LAW, "reason": _LAW},
    "quotes": {"note": _ERASED, "answer": _ERASED, "tax_note": _NONE},
    "bank_statements": {
        "digest": _NONE, "file": _NONE, "name": _NONE, "format": _NONE, "account": _NONE, "number": _NONE,
        "currency": _NONE, "lease": _NONE,
    },
    "bank_lines": {
        "fingerprint": _LAW, "reference": _LAW, "model": _NONE, "payer": _LAW, "payer_account": _LAW,
        "purpose": _LAW, "bank_id": _LAW,
    },
    "quote_lines": {"description": _ERASED},
    "service_requests": {"data": _ERASED, "answer": _ERASED, "product": _NONE},
    "migrations": {
        "reason": _LAW, "end_reason": _LAW, "left_behind": _LAW, "plan": _LAW, "accepted_terms": _LAW,
        "stopped_code": _NONE, "snapshot": _LAW,
    },
    "migration_batches": {"name": _LAW, "digest": _NONE, "authority": _LAW, "lease": _NONE},
    "migration_batch_items": {
        "service": _LAW, "target": _LAW, "code": _NONE, "concerns": _LAW, "effect": _LAW,
    },
    "registry_tasks": {"note": _LAW},
    "number_series": {"series": _NONE},
    "staff": {
        "email": _STAFF, "name": _STAFF, "name_key": _STAFF, "password_hash": _STAFF, "totp_secret": _STAFF,
        "signature_sr": _STAFF, "signature_en": _STAFF,
    },
    "staff_presence": {"reason": _STAFF},
    "staff_recovery_codes": {"digest": _STAFF},
    "staff_sessions": {"token_digest": _STAFF, "address": _STAFF, "user_agent": _STAFF},
    "staff_sockets": {"sid": _STAFF},
    "hours_specials": {"reason": _STAFF, "staff_name": _STAFF},
    "settings": {"section": _NONE, "values": _NONE, "changed_by": _STAFF},
    "departments": {"key": _NONE, "name_sr": _NONE, "name_en": _NONE},
    "canned_categories": {"key": _NONE, "name_sr": _NONE, "name_en": _NONE},
    "canned_replies": {
        "key": _NONE, "shortcut": _NONE, "title_sr": _NONE, "title_en": _NONE, "body_sr": _NONE, "body_en": _NONE,
    },
    "help_articles": {"key": _NONE, "slug": _NONE},
    "help_versions": {
        "title_sr": _NONE, "title_en": _NONE, "body_sr": _NONE, "body_en": _NONE, "staff_name": _STAFF,
    },
}  # fmt: skip

# Of every table: what names no one wherever it is.
EVERYWHERE = frozenset({
    "language", "theme", "currency", "country", "action", "actor_kind", "key_id", "previous", "digest", "mac",
})  # fmt: skip
