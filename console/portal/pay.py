"""The page behind a link that lets another person pay: no sign-in, and no word of who the buyer is."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.pay_links.service import proforma_behind
from console.billing.pdf.instructions import Instructions, instructions_for
from console.billing.pdf.qr import svg
from console.billing.service import today
from console.core.texts import gettext
from console.portal.private_pages import or_gone, speaking
from console.web.answers import wants_json
from console.web.limits import Limit, count
from console.web.security import keep_private

blueprint = Blueprint("pay", __name__)
blueprint.after_request(keep_private)

GONE = "pay/gone.html"
PER_ADDRESS = Limit("pay_link", 60, 10 * 60, shared=True)


@blueprint.get("/pay/<secret:token>")
@or_gone(GONE)
def page(token: str) -> ResponseReturnValue:
    """Show what is owed and how to pay it; or that nothing is."""
    count(PER_ADDRESS, request.remote_addr or "")
    proforma = proforma_behind(token)
    with speaking(None):  # the payer's own: the document's is the buyer's
        if proforma.status not in ACTIVE_STATUSES:
            return _over(proforma)
        how = instructions_for(proforma, proforma.owed)
        if wants_json():
            return jsonify(open=True, **_payload(how))
        return render_template(
            "pay/page.html",
            number=proforma.number,
            how=how,
            picture=picture_of(how),
            late=proforma.due_on < today(),
        )


def picture_of(how: Instructions) -> str | None:
    """Return the payment code as a picture that is read out as what it says."""
    if how.code is None:
        return None
    title = gettext(
        "Payment code: to %(payee)s, account %(account)s, reference %(reference)s",
        payee=how.payee,
        account=how.account,
        reference=how.reference,
    )
    return svg(how.code, title)


def _over(proforma: Proforma) -> ResponseReturnValue:
    paid = proforma.status is ProformaStatus.PAID
    if wants_json():
        return jsonify(open=False, paid=paid)
    return render_template("pay/over.html", paid=paid)


def _payload(how: Instructions) -> dict[str, object]:
    names = ("payee", "account", "bic", "model", "reference", "amount", "currency", "purpose", "code")
    return {name: getattr(how, name) for name in names} | {"due_on": how.due_on.isoformat()}
