"""An application asks for a person: they sign in, choose the account, and allow it or not.

Without a script: the consent's form carries the application's request in its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core import clock
from console.core.db import db
from console.core.errors import ConfirmationNeeded, Invalid, NotFound, Refusal
from console.core.ids import token_digest
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import signin
from console.customers.models import Membership, PersonSession
from console.extensions import csrf
from console.identity.oidc import applications, grants
from console.identity.oidc.models import SsoApplication, SsoGrant
from console.portal import confirmation
from console.portal.accounts import own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.portal.oidc.blueprint import as_query, oauth, refused, require_readable, with_issuer
from console.portal.oidc.labels import SCOPE_NAMES
from console.portal.security import session_id
from console.portal.signin import SSO_ASKED
from console.web import limits
from console.web.answers import wants_json
from console.web.identity import current_actor, current_person
from console.web.limits import Limit
from console.web.security import allow_form_action, keep_private

if TYPE_CHECKING:
    from console.portal.oidc.server import OAuth2Error

BY_PERSON = Limit("sso-authorize", 120, 10 * limits.MINUTE)
MAX_NONCE = 500


@dataclass(frozen=True)
class Authorization:
    """What an application asks for, checked by Authlib, and by whom it is answered."""

    grant: Any  # Authlib's
    application: SsoApplication
    scopes: Sequence[str]
    prompts: frozenset[str]
    accounts: Sequence[Membership]
    remembered: dict[int, SsoGrant]  # by membership: what was granted covers what is asked for
    must_confirm: bool  # the application wants to see a sign-in that is fresher than the person's

    @property
    def silent(self) -> bool:
        """Return whether nothing may be shown."""
        return "none" in self.prompts


@oauth.route("/oauth/authorize", methods=["GET", "POST"])
@csrf.exempt  # a POST changes nothing: it leads to the GET, because a browser sends no cookie with one from elsewhere
def authorize() -> ResponseReturnValue:
    """Answer an application at once where the person has allowed it before, else ask them."""
    from console.portal.oidc.server import OAuth2Error  # late: see blueprint

    require_readable()
    if request.method == "POST":
        return redirect(as_query("oauth.authorize"), 303)
    try:
        authorization = _read()
        if authorization is None:
            _note_asked()
            return redirect(url_for("portal.login", next=request.full_path))
        return _answer_at_once(authorization) or keep_private(
            make_response(_page(authorization, PortalForm(formdata=None)))
        )
    except OAuth2Error as error:
        return refused(error)


@portal.post("/sso/consent")
@signed_in
def consent() -> ResponseReturnValue:
    """Process the decision of the person."""
    from console.portal.oidc.server import OAuth2Error  # late: see blueprint

    require_readable()
    form = PortalForm()
    try:
        authorization = _read()
        if authorization is None:
            raise NotFound
        if request.form.get("decision") != "allow":
            return _deny(authorization)
        if not authorization.accounts:
            return _off(authorization)
        try:
            return _allow(authorization, form)
        except Refusal as refusal:
            return keep_private(show_again(refusal, form, lambda: _page(authorization, form)))
    except OAuth2Error as error:
        return refused(error)


def _read() -> Authorization | None:
    """Return what is asked for; ``None`` where no one is signed in.

    Raises:
        OAuth2Error: it is refused, to the application where its address is registered.
    """
    from console.portal.oidc.server import server  # late: see blueprint

    person = current_person() if current_user.is_authenticated else None
    grant = server.get_consent_grant(end_user=person)
    _refuse_unsupported(grant)
    if person is None:
        return None
    limits.count(BY_PERSON, str(person.id))
    application: SsoApplication = grant.client.application
    scopes = grant.request.scope.split()
    prompts = frozenset(request.values.get("prompt", "").split())
    accounts = grants.eligible(person.id)
    before = grants.open_grants(application.id, accounts)
    remembered = {key: one for key, one in before.items() if set(scopes) <= set(one.scopes)}
    must_confirm = ("login" in prompts or _is_too_old()) and not _confirmed_since_asked()
    return Authorization(grant, application, scopes, prompts, accounts, remembered, must_confirm)


def _refuse_unsupported(grant: Any) -> None:
    """Refuse what the discovery says we cannot do; what is unknown is ignored, as OpenID Connect says."""
    values = request.values
    for name in ("request", "request_uri", "registration"):
        if name in values:
            raise _error(grant, f"{name}_not_supported")
    if values.get("response_mode", "query") != "query" or len(values.get("nonce", "")) > MAX_NONCE:
        raise _error(grant, "invalid_request")
    max_age = values.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit()) or len(max_age) > 9:
        raise _error(grant, "invalid_request")
    hint = values.get("id_token_hint")
    if hint and current_user.is_authenticated and _subject_of(hint) != str(current_person().id):
        raise _error(grant, "login_required")


def _subject_of(hint: str) -> str | None:
    """Return whom an ID token of ours names, however old it is."""
    from joserfc import jwt  # late: see blueprint
    from joserfc.errors import JoseError

    from console.identity.oidc import keys

    try:
        return str(jwt.decode(hint, keys.verifying_set(), algorithms=[keys.ALGORITHM]).claims.get("sub"))
    except (JoseError, ValueError):
        return None


def _error(grant: Any, code: str) -> OAuth2Error:
    """Return an error that goes back to the application."""
    from console.portal.oidc.server import OAuth2Error  # late: see blueprint

    return OAuth2Error(error=code, redirect_uri=grant.redirect_uri, state=request.values.get("state"))


def _answer_at_once(authorization: Authorization) -> Response | None:
    """Answer without asking the person; ``None`` where they must be asked."""
    if authorization.silent and authorization.must_confirm:
        raise _error(authorization.grant, "login_required")
    if not authorization.accounts:
        concerned = own_accounts()
        with transaction():
            grants.refuse(current_actor(), authorization.application, concerned, "off")
        if authorization.silent:
            raise _error(authorization.grant, "access_denied")
        return _off(authorization)
    known = [one for one in authorization.accounts if one.id in authorization.remembered]
    if authorization.silent and len(known) != 1:
        raise _error(authorization.grant, "account_selection_required" if known else "consent_required")
    asks = (
        authorization.must_confirm
        or authorization.prompts & {"consent", "select_account"}
        or len(authorization.accounts) > 1
    )
    if known and (authorization.silent or not asks):
        return _issue(authorization, known[0])
    return None


def _allow(authorization: Authorization, form: PortalForm) -> Response:
    """Let the application in.

    Raises:
        Refusal: the account is not one of theirs, or the sign-in is not fresh.
    """
    form.require()
    number = request.form.get("account", "")
    membership = next((one for one in authorization.accounts if one.customer.number == number), None)
    if membership is None and len(authorization.accounts) == 1 and not number:
        membership = authorization.accounts[0]
    if membership is None:
        raise Invalid(lazy_gettext("Choose an account."), code="account")
    if authorization.must_confirm:
        _require_password()
    elif membership.id not in authorization.remembered:
        confirmation.require()
    return _issue(authorization, membership)


def _require_password() -> None:
    """Ask for the password, however fresh the sign-in is: the application wants to see it now."""
    typed, key = request.form.get(confirmation.FIELD, ""), session_id()
    if not typed:
        raise ConfirmationNeeded(fields={confirmation.FIELD: [ConfirmationNeeded.default_message]})
    proof = confirmation.compare_own_password(typed)
    if proof is None:
        raise ConfirmationNeeded(fields={confirmation.FIELD: [confirmation.WRONG]})
    with transaction():
        signin.confirm(proof, key)


def _issue(authorization: Authorization, membership: Membership) -> Response:
    """Send the person back to the application with a code."""
    from console.portal.oidc.server import GrantUser, server  # late: see blueprint

    key, actor = session_id(), current_actor()
    with transaction():
        allowed = grants.allow(actor, key, authorization.application, membership, authorization.scopes)
        fresh = db.session.get_one(PersonSession, key, populate_existing=True)
        user = GrantUser(allowed, fresh.confirmed_at)
        response = server.create_authorization_response(
            authorization.grant.request, grant_user=user, grant=authorization.grant
        )
    session.pop(SSO_ASKED, None)
    return with_issuer(response)


def _deny(authorization: Authorization) -> Response:
    from console.portal.oidc.server import server  # late: see blueprint

    with transaction():
        grants.refuse(current_actor(), authorization.application, authorization.accounts, "person")
    session.pop(SSO_ASKED, None)
    return with_issuer(
        server.create_authorization_response(authorization.grant.request, grant_user=None, grant=authorization.grant)
    )


def _page(authorization: Authorization, form: PortalForm) -> str:
    """Draw the consent; its form may lead to the application's address and to no other."""
    if authorization.must_confirm:
        _note_asked()
    allow_form_action(applications.origin(authorization.grant.redirect_uri))
    only = authorization.accounts[0] if len(authorization.accounts) == 1 else None
    new = only is None or only.id not in authorization.remembered
    return render_template(
        "portal/sso/consent.html",
        authorization=authorization,
        person=current_person(),
        form=form,
        query=request.query_string.decode("ascii", "replace"),
        scopes=[SCOPE_NAMES[one] for one in authorization.scopes if one in SCOPE_NAMES],
        chosen=request.form.get("account", ""),
        target=applications.origin(authorization.grant.redirect_uri),
        confirm=authorization.must_confirm or (new and confirmation.is_needed()),
    )


def _off(authorization: Authorization) -> Response:
    """Say that single sign-on is off, and lead back to the application."""
    if wants_json():
        raise _error(authorization.grant, "access_denied")
    target = with_issuer(_as_answer(_error(authorization.grant, "access_denied"))).location
    page = render_template("portal/sso/off.html", application=authorization.application, target=target)
    return keep_private(make_response(page, 403))


def _as_answer(error: OAuth2Error) -> Response:
    from console.portal.oidc.server import server  # late: see blueprint

    response: Response = server.handle_error_response(None, error)
    return response


def _is_too_old() -> bool:
    max_age = request.values.get("max_age")
    if max_age is None:
        return False
    row: PersonSession = current_user.row
    return (clock.now() - row.confirmed_at).total_seconds() > int(max_age)


def _note_asked() -> None:
    """Record when this request was first seen, so that a sign-in after it satisfies ``prompt=login``."""
    noted = session.get(SSO_ASKED)
    if not isinstance(noted, list) or noted[:1] != [_request_digest()]:
        session[SSO_ASKED] = [_request_digest(), clock.now().isoformat()]


def _confirmed_since_asked() -> bool:
    noted = session.get(SSO_ASKED)
    if not isinstance(noted, list) or len(noted) != 2 or noted[0] != _request_digest():
        return False
    row: PersonSession = current_user.row
    return row.confirmed_at >= datetime.fromisoformat(noted[1])


def _request_digest() -> str:
    return token_digest(request.query_string.decode("latin-1"))[:32]
