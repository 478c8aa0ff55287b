"""The customer page as JSON."""

from __future__ import annotations

from typing import Any

from console.billing.models import Proforma, Storno
from console.customers.account.models import Correction
from console.customers.models import Membership, Verification
from console.customers.rights import Right
from console.hosting.models import Service
from console.mail.queries import stage_of
from console.views.shared.customer_data import CustomerPage
from console.views.shared.labels.states import is_overdue
from console.web.answers import local_time


def as_json(page: CustomerPage) -> dict[str, Any]:
    """Return the page for programs: a group that is not opened has no key."""
    answer: dict[str, Any] = {
        "customer": _customer(page),
        "rights": sorted(page.rights),
        "verification": verification_json(page.verification) if page.verification else None,
    }
    if page.members is not None:
        answer["contacts"] = [_member(member) for member in page.members]
        answer["invitations"] = [
            {
                "id": one.id,
                "email": one.email,
                "permissions": one.rights,
                "expires_at": local_time(one.expires_at),
            }
            for one in page.invitations
        ]
    if page.services is not None:
        answer["services"] = [_service(service) for service in page.services]
    if page.proformas is not None and page.stornos is not None:
        answer["proformas"] = [_proforma(row) for row in page.proformas]
        answer["stornos"] = [_storno(row) for row in page.stornos]
    if page.mails is not None:
        answer["mail"] = [
            {
                "id": row.id,
                "subject": row.subject,
                "to": row.to_address,
                "state": stage_of(row).value,
                "at": local_time(row.created_at),
            }
            for row in page.mails
        ]
    if page.tickets is not None:
        answer["tickets"] = [
            {
                "number": row.number,
                "subject": row.subject,
                "status": row.status.value,
                "updated_at": local_time(row.updated_at),
            }
            for row in page.tickets
        ]
    if page.chats is not None:
        answer["chats"] = [
            {
                "number": row.number,
                "name": row.name,
                "status": row.status.value,
                "created_at": local_time(row.created_at),
                "rating": row.rating,
            }
            for row in page.chats
        ]
    return answer


def verification_json(verification: Verification) -> dict[str, Any]:
    """Return a verification as the contract names it."""
    return {
        "id": verification.id,
        "kind": verification.kind.value,
        "customer": verification.customer.number,
        "person": verification.membership.name if verification.membership else None,
        "rights": sorted(verification.opened_rights()),
        "expires_at": local_time(verification.expires_at),
    }


def _customer(page: CustomerPage) -> dict[str, Any]:
    customer = page.customer
    payload: dict[str, Any] = {"number": customer.number, "status": customer.status.value}
    if page.named:
        payload |= {"name": customer.name, "kind": customer.kind.value}
    if page.opens(Right.PROFILE):
        payload |= {
            "pib": customer.pib,
            "mb": customer.mb,
            "address": customer.address,
            "postcode": customer.postcode,
            "city": customer.city,
            "country": customer.country,
            "phone": customer.phone,
            "tax_status": customer.tax_status.value,
            "language": customer.language,
            "currency": customer.currency,
            "created_at": local_time(customer.created_at),
            "owner": page.owner.person.name if page.owner else None,
            "email": page.owner.person.email if page.owner else None,
            "correction": _correction(page.correction) if page.correction else None,
        }
    return payload


def _correction(correction: Correction) -> dict[str, Any]:
    return {
        "id": correction.id,
        "before": correction.before,
        "after": correction.after,
        "requested_at": local_time(correction.requested_at),
    }


def _member(member: Membership) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "email": member.person.email,
        "phone": member.phone_number,
        "role": member.role.value,
        "rights": sorted(member.held_rights()),
        "mail": member.mail,
    }


def _service(service: Service) -> dict[str, Any]:
    return {
        "id": service.id,
        "number": service.number,
        "label": service.label,
        "product": service.product.name,
        "kind": service.product.kind.value,
        "status": service.status.value,
        "paid_until": service.paid_until.isoformat(),
        "price": service.price,
        "currency": service.currency,
        "domain": service.domain.name if service.domain else None,
    }


def _proforma(row: Proforma) -> dict[str, Any]:
    return {
        "number": row.number,
        "status": row.status.value,
        "issued_on": row.issued_on.isoformat(),
        "due_on": row.due_on.isoformat(),
        "currency": row.currency,
        "total": row.total,
        "paid": row.paid,
        "owed": row.owed,
        "overdue": is_overdue(row),
    }


def _storno(row: Storno) -> dict[str, Any]:
    return {
        "number": row.number,
        "proforma": row.proforma.number,
        "issued_on": row.issued_on.isoformat(),
        "currency": row.currency,
        "total": row.total,
    }
