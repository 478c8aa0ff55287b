"""Which mail a person gets about each of their accounts, chosen by themselves."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.mail_categories import NEEDED, receives
from console.customers.models import Membership
from console.customers.people import members
from console.customers.rights import MailCategory
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import NoticesForm
from console.web.answers import wants_json
from console.web.identity import current_actor


@portal.get("/notices")
@signed_in
def notices() -> ResponseReturnValue:
    """Show which categories of mail one gets about the chosen account."""
    mine = chosen(own_accounts())
    if wants_json():
        return jsonify(_payload(mine))
    return _page(mine, NoticesForm(formdata=None, data={"categories": _payload(mine)["categories"]}))


@portal.post("/notices")
@signed_in
def choose_notices() -> ResponseReturnValue:
    """Save them."""
    mine, form = chosen(own_accounts()), NoticesForm()
    try:
        form.require()
        with transaction():
            mine = members.choose_mail(current_actor(), mine.customer_id, form.mail())
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _page(mine, form))
    if wants_json():
        return jsonify(_payload(mine))
    flash(gettext("Changes saved."), "success")
    return redirect(url_for("portal.notices", account=mine.customer.number), 303)


def _page(mine: Membership, form: NoticesForm) -> str:
    held = mine.held_rights()
    shut = {
        category.value
        for category, needed in NEEDED.items()
        if mine.is_owner or (needed not in held and category.value not in mine.mail)
    }
    return render_template(
        "portal/notices.html",
        accounts=own_accounts(),
        mine=mine,
        form=form,
        shut=shut | ({MailCategory.GENERAL.value} if mine.is_owner else set()),
    )


def _payload(mine: Membership) -> dict[str, Any]:
    categories = [category.value for category in MailCategory if receives(mine, category)]
    return {"account": mine.customer.number, "categories": categories}
