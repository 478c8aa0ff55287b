"""Bulk migrations: a file uploaded, its dry run row by row, the execution, and the file of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import Response, flash, jsonify, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from wtforms import FileField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length

from console.billing.migration.batches import queries, service
from console.billing.migration.batches.reading import MAX_BYTES
from console.billing.migration.models import BatchState, ItemState, MigrationBatch, MigrationBatchItem
from console.billing.migration.obstacles import REASONS, four_eyes_rule, reason_of
from console.billing.migration.queries import movable_services
from console.core.actor import Actor
from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_count, read_key, to_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer, Verification, VerificationKind
from console.customers.queries import customer_by_number, live_verification
from console.customers.rights import Right
from console.staff.roles import Permission
from console.views.shared import export
from console.views.shared.base import Page
from console.views.shared.labels.migrations import BATCH_STATE, ITEM_STATE, migration_url
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

PAGE_SIZE = 100
LISTED = 50
RESULT_COLUMNS = ("row", "service", "new_owner", "result", "reason", "concerns", "migration", "moved_with_row")


class BatchForm(Form):
    """A file, and on what it rests."""

    file = FileField(lazy_gettext("CSV file"))
    authority = TextAreaField(
        lazy_gettext("What is it based on?"),
        description=lazy_gettext("Name the order or contract that both owners signed; it stays with each migration."),
        validators=[Length(max=service.MAX_AUTHORITY)],
    )


class ChosenForm(BatchForm):
    """Services of one account, all to one new owner."""

    service = SelectMultipleField(coerce=to_key, validate_choice=False)
    to_customer = StringField(
        lazy_gettext("New owner"),
        description=lazy_gettext("The account number or the owner’s registered e-mail."),
        validators=[Length(max=254)],
    )


def views() -> list[BaseView]:
    """Return the list with the upload, and the page of one."""
    name = lazy_gettext("Bulk migrations")
    return [
        Batches(name=name, endpoint="batches", url="/console/migrations/many"),
        ChosenServices(name=name, endpoint="batch_chosen", url="/console/migrations/many/chosen"),
        BatchPage(name=name, endpoint="batch", url="/console/migrations/many/<id:batch_id>"),
    ]


class Batches(Page):
    """The batches, and the form for another."""

    permission = Permission.MIGRATE_MANY
    parent = "migrations"

    @expose("/", methods=("GET", "POST"))
    @expose("", methods=("GET", "POST"))  # its address in links
    def index(self) -> ResponseReturnValue:
        """List the batches, or store an uploaded file."""
        form = BatchForm()
        if request.method == "GET":
            if wants_json():
                return jsonify(items=batches_json(queries.list_batches(LISTED)), next=None)
            return self._page(form)
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                raise Invalid(fields={"file": [lazy_gettext("Choose a file.")]})
            content = upload.stream.read(MAX_BYTES + 1)
            with transaction():
                batch = service.create_from_file(current_actor(), upload.filename, content, form.authority.data or "")
        except Refusal as error:
            if wants_json():
                raise
            _show(form, error)
            return self._page(form, error), error.status
        if wants_json():
            return jsonify(batch=batch_json(batch)), 201
        return redirect(url_for("batch.index", batch_id=batch.id), 303)

    def _page(self, form: BatchForm, error: Refusal | None = None) -> str:
        rows = queries.list_batches(LISTED)
        return str(self.render("admin/migrations/many.html", form=form, rows=rows, states=BATCH_STATE, error=error))


class ChosenServices(Page):
    """Services chosen on an account's page, each moved in a transaction of its own."""

    permission = Permission.MIGRATE_MANY
    parent = "migrations"

    @expose("/", methods=("GET", "POST"))
    @expose("", methods=("GET", "POST"))  # its address in links
    def index(self) -> ResponseReturnValue:
        """Ask for the new owner, or make the batch."""
        customer = customer_by_number(request.values.get("customer", ""))
        verification = live_verification(current_actor(), customer.id)
        form = ChosenForm()
        if request.method == "GET":
            form.service.data = [key for key in map(read_key, request.args.getlist("service")) if key is not None]
            return self._page(customer, verification, form)
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                batch = service.create_from_services(
                    current_actor(),
                    customer,
                    form.service.data or (),
                    form.to_customer.data or "",
                    verification.id if verification is not None else 0,
                    form.authority.data or "",
                )
        except Refusal as error:
            if wants_json():
                raise
            _show(form, error)
            return self._page(customer, verification, form, error), error.status
        if wants_json():
            return jsonify(batch=batch_json(batch)), 201
        return redirect(url_for("batch.index", batch_id=batch.id), 303)

    def _page(
        self, customer: Customer, verification: Verification | None, form: ChosenForm, error: Refusal | None = None
    ) -> str:
        allowed = (
            verification is not None
            and verification.kind is VerificationKind.PIN
            and Right.TRANSFER in verification.opened_rights()
        )
        chosen = set(form.service.data or ())
        services = [one for one in movable_services(customer.id) if one.id in chosen] if allowed else []
        return str(
            self.render(
                "admin/migrations/chosen.html",
                customer=customer,
                verification=verification,
                allowed=allowed,
                services=services,
                form=form,
                error=error,
            )
        )


class BatchPage(Page):
    """One batch: its rows, the word to start, stop, go on or withdraw, and its file of results."""

    permission = Permission.MIGRATE_MANY
    parent = "migrations"

    @expose("/")
    @expose("")  # its address in links
    def index(self, batch_id: int) -> ResponseReturnValue:
        """Show where it is, and its rows."""
        batch = queries.find_batch(batch_id)
        state = next((one for one in ItemState if one.value == request.args.get("state")), None)
        after = read_count(request.args.get("after")) or 0
        rows = queries.list_items(batch.id, state=state, after=after, limit=PAGE_SIZE + 1)
        page, more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
        if wants_json():
            cursor = str(page[-1].row) if more else None
            return jsonify(batch=batch_json(batch), items=[item_json(row) for row in page], next=cursor)
        return self._page(batch, None, state=state, rows=page, more=more)

    @expose("/progress")
    def progress(self, batch_id: int) -> ResponseReturnValue:
        """Draw the part that changes while it is worked on."""
        batch = queries.find_batch(batch_id)
        if wants_json():
            return jsonify(batch=batch_json(batch))
        return str(self.render("admin/migrations/progress.html", **self._values(batch)))

    @expose("/start", methods=("POST",))
    def start(self, batch_id: int) -> ResponseReturnValue:
        """Let the rows that are ready move."""
        return self._act(batch_id, service.start, gettext("Started. You can leave this page; the work continues."))

    @expose("/stop", methods=("POST",))
    def stop(self, batch_id: int) -> ResponseReturnValue:
        """Stop it after the row that is under way."""
        return self._act(
            batch_id, service.stop, gettext("Stopped. What has moved stays moved; you can continue later.")
        )

    @expose("/withdraw", methods=("POST",))
    def withdraw(self, batch_id: int) -> ResponseReturnValue:
        """End it."""
        return self._act(batch_id, service.withdraw, gettext("Withdrawn."))

    @expose("/result.csv")
    def result(self, batch_id: int) -> ResponseReturnValue:
        """Return every row with what became of it."""
        batch = queries.find_batch(batch_id)
        return Response(
            stream_with_context(export.write_csv(RESULT_COLUMNS, result_rows(batch.id))),
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={batch.ref}.csv"},
        )

    def _act(self, batch_id: int, verb: Callable[[Actor, int], MigrationBatch], message: str) -> ResponseReturnValue:
        try:
            with transaction():
                batch = verb(current_actor(), batch_id)
        except Refusal as error:
            if wants_json() or error.status == 404:
                raise
            found = queries.find_batch(batch_id)
            return self._page(found, error, rows=queries.list_items(found.id, limit=PAGE_SIZE)), error.status
        if wants_json():
            return jsonify(batch=batch_json(batch))
        flash(message, "success")
        return redirect(url_for("batch.index", batch_id=batch_id), 303)

    def _page(
        self,
        batch: MigrationBatch,
        error: Refusal | None,
        *,
        state: ItemState | None = None,
        rows: Any = (),
        more: bool = False,
    ) -> str:
        return str(
            self.render(
                "admin/migrations/batch.html",
                rows=rows,
                more=more,
                chosen=state,
                reason_of=reason_of,
                ref_of=queries.ref_of,
                migration_url=migration_url,
                error=error,
                **self._values(batch),
            )
        )

    def _values(self, batch: MigrationBatch) -> dict[str, Any]:
        counts = queries.counts_of(batch.id)
        ready = batch.state in (BatchState.CHECKED, BatchState.STOPPED)
        stop = queries.stop_of(batch)
        return {
            "batch": batch,
            "label": BATCH_STATE[batch.state],
            "item_labels": ITEM_STATE,
            "counts": counts,
            "ready": counts[ItemState.READY],
            "percent": queries.progress_of(batch, counts),
            "working": batch.state in (BatchState.CHECKING, BatchState.RUNNING),
            "totals": queries.totals_of(batch.id) if batch.state is not BatchState.CHECKING else {},
            "may_start": ready and counts[ItemState.READY] > 0,
            "stop": stop,
            "stop_reason": stop_text(stop) if stop is not None else "",
            "barred": ready and four_eyes_rule().on and batch.created_by_id == current_actor().id,
        }


def stop_text(stop: queries.Stop) -> Text:
    """Return why a batch stopped, in the reader's words."""
    return REASONS.get(stop.code) or gettext("Stopped by %(name)s.", name=stop.by)


def result_rows(batch_id: int) -> Iterator[list[list[Any]]]:
    """Return the rows of the file of results, a chunk at a time."""
    reasons = {code: str(text) for code, text in REASONS.items()}  # now: later no one is signed in
    fault = reasons["fault"]
    return (
        [
            [
                item.row,
                item.service,
                item.target,
                item.state.value,
                reasons.get(item.code, fault) if item.code else "",
                " ".join(item.concerns),
                queries.ref_of(item.migration_id),
                (item.effect or {}).get("row"),
            ]
            for item in chunk
        ]
        for chunk in queries.each_chunk(batch_id)
    )


def batch_json(batch: MigrationBatch) -> dict[str, Any]:
    """Return a batch for programs."""
    (found,) = batches_json([batch])
    return found


def batches_json(batches: Sequence[MigrationBatch]) -> list[dict[str, Any]]:
    """Return batches for programs, in as few statements as one takes."""
    counts, stops = queries.counts_of_all([batch.id for batch in batches]), queries.stops_of(batches)
    return [_batch_json(batch, counts[batch.id], stops.get(batch.id)) for batch in batches]


def _batch_json(batch: MigrationBatch, counts: Mapping[ItemState, int], stop: queries.Stop | None) -> dict[str, Any]:
    return {
        "id": batch.id,
        "ref": batch.ref,
        "state": batch.state.value,
        "name": batch.name,
        "rows": batch.rows,
        "counts": {state.value: count for state, count in counts.items()},
        "created_at": local_time(batch.created_at),
        "started_at": local_time(batch.started_at),
        "ended_at": local_time(batch.ended_at),
        "stopped": _stop_json(stop) if stop is not None else None,
    }


def _stop_json(stop: queries.Stop) -> dict[str, Any]:
    return {"code": stop.code, "reason": str(stop_text(stop)), "by": stop.by, "at": local_time(stop.at)}


def item_json(item: MigrationBatchItem) -> dict[str, Any]:
    """Return a row for programs."""
    effect = {key: value for key, value in (item.effect or {}).items() if key != "digest"}
    return {
        "row": item.row,
        "service": item.service,
        "new_owner": item.target,
        "state": item.state.value,
        "code": item.code,
        "reason": str(reason_of(item.code)),
        "concerns": item.concerns,
        "effect": effect or None,
        "migration": queries.ref_of(item.migration_id) or None,
    }


def _show(form: Form, error: Refusal) -> None:
    for name, texts in error.fields.items():
        if name in form:
            form[name].errors = [str(text) for text in texts]
