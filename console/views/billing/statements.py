"""Bank statements: the list with the place to upload them, and the page of one with every line."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Flask, Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import FileStorage

from console.billing.statements.files import FIELD, MEGABYTE, Upload, read_files
from console.billing.statements.labels import FORMAT_NAMES, account_words
from console.billing.statements.models import BankStatement, StatementState
from console.billing.statements.queries import PAGE, LineRow, LineState, count_lines, find_statement, list_lines
from console.billing.statements.readers import fields
from console.billing.statements.service import Imported, import_statement
from console.billing.statements.service import resume as resume_import
from console.core.context import settings
from console.core.errors import FileGone, Invalid, NotFound
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, Day
from console.views.shared.labels.statements import LINE_STATE, STATEMENT_STATE
from console.views.shared.menu import document_url
from console.web.answers import is_htmx, local_time, wants_json
from console.web.downloads import download_kept
from console.web.filters import amount, day
from console.web.identity import current_actor

MOST_FILES = 20
AROUND = 64 * 1024  # bytes of a request besides its files


def views() -> list[BaseModelView]:
    """Return the list with its pages."""
    return [StatementList()]


def init_app(app: Flask) -> None:
    """Let an upload be as large as the setting says: other requests end at a smaller size."""

    @app.url_value_preprocessor
    def allow_upload(endpoint: str | None, _values: dict[str, Any] | None) -> None:
        if endpoint == "statements.upload":
            request.max_content_length = settings().statement_megabytes * MEGABYTE + AROUND


def _period(_view: Any, _context: Any, row: BankStatement, _name: str) -> str:
    return period_words(row)


def _name(_view: Any, _context: Any, row: BankStatement, _name: str) -> Markup:
    number = gettext("No. %(number)s", number=row.number) if row.number else gettext("without a number")
    return Markup('{} <span class="muted num">{}</span>').format(number, account_words(row.account))


def _closing(_view: Any, _context: Any, row: BankStatement, _name: str) -> Markup:
    return Markup("—") if row.closing is None else amount(row.closing, row.currency)


def _lines(_view: Any, _context: Any, row: BankStatement, _name: str) -> Markup:
    if row.state is not StatementState.IMPORTED:
        return Markup('<span class="num">{} / {}</span>').format(row.taken, row.lines)
    waiting = row.unmatched
    if not waiting:
        return Markup('<span class="num">{}</span>').format(row.lines)
    words = ngettext("%(num)d was unmatched", "%(num)d were unmatched", waiting)
    return Markup('<span class="num">{}</span> <span class="muted">({})</span>').format(row.lines, words)


def period_words(row: BankStatement) -> str:
    """Return the days that a statement is of."""
    return day(row.closed_on) if row.opened_on == row.closed_on else f"{day(row.opened_on)} – {day(row.closed_on)}"


class StatementList(BaseModelView):
    """Every statement that was imported."""

    permission = Permission.RECORD_PAYMENTS
    group = "billing"
    list_template = "admin/billing/bank_statements.html"

    column_list = ("number", "closed_on", "lines", "closing", "state", "imported_at")
    column_labels = {
        "number": lazy_gettext("Statement"),
        "closed_on": lazy_gettext("Period"),
        "lines": lazy_gettext("Lines"),
        "closing": lazy_gettext("Closing balance"),
        "state": lazy_gettext("State"),
        "imported_at": lazy_gettext("Imported"),
    }
    column_formatters = {
        "number": _name,
        "closed_on": _period,
        "lines": _lines,
        "closing": _closing,
        "state": formatters.state(STATEMENT_STATE),
        "imported_at": formatters.ago,
    }
    column_options = (joinedload(BankStatement.imported_by).load_only(Staff.name),)
    sort_columns: ClassVar[dict[str, Any]] = {"closed_on": BankStatement.closed_on}
    list_filters = (
        Choice(
            "state",
            lazy_gettext("State"),
            BankStatement.state,
            {key.value: label.text for key, label in STATEMENT_STATE.items()},
        ),
        Day("from", lazy_gettext("From"), BankStatement.closed_on, compare="from"),
        Day("until", lazy_gettext("Until"), BankStatement.closed_on, compare="until"),
    )
    lead = lazy_gettext("Upload what the bank gives. Each payment in it is matched to its pro-forma by reference.")
    empty_icon = "upload"
    empty_title = lazy_gettext("No bank statements yet")
    empty_text = lazy_gettext("Upload the first one above. A file that was imported before changes nothing.")

    def __init__(self) -> None:
        super().__init__(
            BankStatement,
            name=lazy_gettext("Bank statements"),
            endpoint="statements",
            url="statements",
            menu_icon_value="upload",
        )

    def row_link(self, row: Any) -> str:
        return str(self.get_url(".statement", key=row.id))

    def row_name(self, row: Any) -> str:
        return f"{row.account} {row.number}".strip()

    def as_json(self, row: Any) -> dict[str, Any]:
        return statement_json(row)

    def list_context(self, _list_query: Any, _page: Any) -> dict[str, Any]:
        return {
            "megabytes": settings().statement_megabytes,
            "most_files": MOST_FILES,
            "formats": FORMAT_NAMES,
        }

    @expose("/", methods=("POST",))
    def upload(self) -> ResponseReturnValue:
        """Import one statement or several; what is wrong with one of them refuses them all."""
        chosen = [one for one in request.files.getlist(FIELD) if one.filename]
        try:
            imported = import_files(chosen)
        except Invalid as refusal:
            if wants_json():
                raise
            return self._refused(refusal), refusal.status
        if wants_json():
            return jsonify(_answer(imported)), 202 if _is_waiting(imported) else 200
        for one in imported:
            _flash(one)
        rows = [row for one in imported for row in one.statements]
        where = self.row_link(rows[0]) if len(rows) == 1 else self.get_url(".index_view")
        return redirect(where, 303)

    def _refused(self, refusal: Invalid) -> str:
        """Draw the list again with what was wrong."""
        problems = [str(text) for texts in refusal.fields.values() for text in texts]
        return self.render_list(self.read_list_query(), problems=problems, refusal=refusal)

    @expose("/<id:key>")
    def statement(self, key: int) -> ResponseReturnValue:
        """Show one statement with its lines."""
        row = _find(key)
        state, after = _read_state(), read_key(request.args.get("after", "")) or 0
        lines = list_lines(row.id, state, after=after, limit=PAGE + 1)
        more = lines[PAGE - 1].line.position if len(lines) > PAGE else None
        if wants_json():
            return jsonify(statement=statement_json(row), items=[_line_json(one) for one in lines[:PAGE]], next=more)
        counts = count_lines(row.id)
        return self.render(
            "admin/billing/bank_statement.html",
            statement=row,
            label=STATEMENT_STATE[row.state],
            period=period_words(row),
            account=account_words(row.account),
            lines=lines[:PAGE],
            more=more,
            after=after,
            chosen=state,
            counts=counts,
            labels=LINE_STATE,
            format_name=FORMAT_NAMES.get(row.format, row.format),
            own_account=_is_own(row),
            document_url=document_url,
        )

    @expose("/<id:key>/progress")
    def progress(self, key: int) -> ResponseReturnValue:
        """Draw how far an import is; when it is over the page is asked for again."""
        row = _find(key)
        if is_htmx() and row.state is not StatementState.IMPORTING:
            return Response(status=204, headers={"HX-Refresh": "true"})
        return self.render("admin/billing/bank_statement_progress.html", statement=row)

    @expose("/<id:key>/resume", methods=("POST",))
    def resume(self, key: int) -> ResponseReturnValue:
        """Let the worker go on with an import that stopped."""
        with transaction():
            resume_import(current_actor(), key)
        return redirect(self.get_url(".statement", key=key), 303)

    @expose("/<id:key>/file")
    def file(self, key: int) -> ResponseReturnValue:
        """Download the file as the bank gave it."""
        row = _find(key)
        if row.file is None:
            raise FileGone(gettext("This file was deleted after its retention period. Its lines are on the page."))
        return download_kept(row.name, row.file)


def import_files(chosen: list[FileStorage]) -> list[Imported]:
    """Read files, then import them in one transaction.

    Raises:
        Invalid: field ``statement``: none was chosen, too many, or one that cannot be read.
    """
    if len(chosen) > MOST_FILES:
        raise Invalid(fields={FIELD: [gettext("Choose at most %(count)d files.", count=MOST_FILES)]})
    uploads = [Upload(one.filename or "", one.read()) for one in chosen]
    files = read_files(uploads, megabytes=settings().statement_megabytes)
    with transaction():
        return [import_statement(current_actor(), one) for one in files]


def statement_json(row: BankStatement) -> dict[str, Any]:
    """Return one statement for programs."""
    return {
        "id": row.id,
        "account": row.account,
        "number": row.number,
        "currency": row.currency,
        "opened_on": row.opened_on.isoformat(),
        "closed_on": row.closed_on.isoformat(),
        "opening": row.opening,
        "closing": row.closing,
        "format": row.format,
        "file": row.name,
        "state": row.state.value,
        "lines": row.lines,
        "taken": row.taken,
        "matched": row.matched,
        "unmatched": row.unmatched,
        "known": row.known,
        "outgoing": row.outgoing,
        "imported_at": local_time(row.imported_at),
    }


def _line_json(one: LineRow) -> dict[str, Any]:
    line, payment = one.line, one.payment
    document = None if payment is None else payment.proforma
    return {
        "position": line.position,
        "booked_on": line.booked_on.isoformat(),
        "amount": line.amount,
        "reference": line.reference,
        "model": line.model,
        "payer": line.payer,
        "payer_account": line.payer_account,
        "purpose": line.purpose,
        "state": one.state.value,
        "payment": None if payment is None else payment.id,
        "proforma": None if document is None else document.number,
        "first": None if one.first is None else one.first.id,
    }


def _answer(imported: list[Imported]) -> dict[str, Any]:
    totals = [one.totals() for one in imported]
    names = ("lines", "matched", "unmatched", "known", "outgoing")
    return {name: sum(one[name] for one in totals) for name in names} | {
        "state": StatementState.IMPORTING.value if _is_waiting(imported) else StatementState.IMPORTED.value,
        "statements": [row.id for one in imported for row in one.statements],
    }


def _is_waiting(imported: list[Imported]) -> bool:
    return any(row.state is StatementState.IMPORTING for one in imported for row in one.statements)


def _flash(one: Imported) -> None:
    name, totals = one.statements[0].name, one.totals()
    if one.known_file:
        flash(gettext("%(name)s was imported before. Nothing was changed.", name=name), "info")
    elif _is_waiting([one]):
        flash(gettext("%(name)s is being imported. You can leave this page.", name=name), "info")
    else:
        text = gettext(
            "%(name)s: %(lines)d lines, %(matched)d matched, %(unmatched)d unmatched, %(known)d already imported.",
            name=name,
            lines=totals["lines"],
            matched=totals["matched"],
            unmatched=totals["unmatched"],
            known=totals["known"],
        )
        flash(text, "success")


def _find(key: int) -> BankStatement:
    row = find_statement(key)
    if row is None:
        raise NotFound
    return row


def _read_state() -> LineState | None:
    value = request.args.get("show", "")
    return LineState(value) if value in set(LineState) else None


def _is_own(row: BankStatement) -> bool:
    """Return whether the account is the one that our documents name: a statement of another is a likely mistake."""
    own = settings().issuer.accounts.get(row.currency, "")
    return not own or fields.account(own) == row.account
