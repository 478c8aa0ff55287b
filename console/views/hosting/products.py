"""The list of what is sold; administrators change it."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from flask import request
from markupsafe import Markup
from wtforms import BooleanField, DecimalField, HiddenField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from console.core import money
from console.core.actor import Actor
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.hosting import service
from console.hosting.models import Product, ProductKind
from console.hosting.service import MAX_PERIOD, MAX_PRODUCT_NAME, ProductData
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, Flag
from console.views.shared.labels.states import PRODUCT_KIND, Label
from console.views.shared.verbs import ConsoleForm

BASIS_POINTS = 100  # in one per cent
ON_SALE = {True: Label(lazy_gettext("on sale"), "ok", "ok"), False: Label(lazy_gettext("not sold"), "ban", "void")}


def views() -> list[BaseModelView]:
    """Return the list."""
    return [ProductList()]


class AmountField(StringField):
    """An amount as people write it; ``data`` is in minor units."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        if not valuelist:
            return
        self.data: int | None = None
        try:
            self.data = money.read(valuelist[0])
        except ValueError:
            raise ValueError(gettext("Enter an amount like 1.234,50.")) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else money.write(self.data)


class ProductForm(ConsoleForm):
    """A product. Its code is typed once: imports name it."""

    code = StringField(lazy_gettext("Code"), [DataRequired(), Length(max=60)])
    name = StringField(lazy_pgettext("product", "Name"), [DataRequired(), Length(max=MAX_PRODUCT_NAME)])
    kind = SelectField(
        lazy_gettext("Kind"), choices=[SelectChoice(kind.value, label.text) for kind, label in PRODUCT_KIND.items()]
    )
    price = AmountField(lazy_gettext("Price without PDV"), [InputRequired()])
    currency = SelectField(lazy_gettext("Currency"), choices=[SelectChoice(one, one) for one in CURRENCIES])
    period_months = IntegerField(
        lazy_gettext("Period in months"), [InputRequired(), NumberRange(min=1, max=MAX_PERIOD)], default=12
    )
    tax = DecimalField(lazy_gettext("PDV (%)"), [InputRequired(), NumberRange(min=0, max=100)], places=None, default=20)
    active = BooleanField(
        lazy_gettext("On sale"), default=True, description=lazy_gettext("Services already sold are not affected.")
    )
    seen = HiddenField()


def _price(_view: Any, _context: Any, row: Product, name: str) -> Markup:
    return Markup('{} <span class="muted">/ {}</span>').format(
        formatters.amount(_view, _context, row, name),
        ngettext("%(num)d month", "%(num)d months", row.period_months),
    )


def _rate(_view: Any, _context: Any, row: Product, _name: str) -> Markup:
    return Markup('<span class="num">{}</span>').format(gettext("%(rate)s%%", rate=f"{row.tax_bp / BASIS_POINTS:g}"))


class ProductList(BaseModelView):
    """Products, their prices and their PDV."""

    permission = Permission.SEE_PRODUCTS
    permissions = dict.fromkeys(("create_view", "edit_view"), Permission.MANAGE_PRODUCTS)
    can_create = can_edit = True
    form = ProductForm
    create_template = edit_template = "admin/hosting/product.html"
    create_label = lazy_gettext("New product")
    group = "billing"
    parent = "settings"
    settings_group = "company"
    settings_lead = lazy_gettext("Products on sale, their prices and PDV.")

    column_list = ("code", "name", "kind", "tax_bp", "active", "price")
    column_labels = {
        "code": lazy_gettext("Code"),
        "name": lazy_pgettext("product", "Name"),
        "kind": lazy_gettext("Kind"),
        "tax_bp": lazy_gettext("PDV"),
        "active": lazy_gettext("State"),
        "price": lazy_gettext("Price without PDV"),
    }
    column_formatters = {
        "kind": formatters.state(PRODUCT_KIND),
        "tax_bp": _rate,
        "active": formatters.state(ON_SALE),
        "price": _price,
    }
    amount_columns = ("price",)
    sort_columns = {"code": Product.code}
    list_filters = (
        Choice("kind", lazy_gettext("Kind"), Product.kind, {k.value: v.text for k, v in PRODUCT_KIND.items()}),
        Flag("active", lazy_gettext("On sale only"), lambda: Product.active.is_(True)),
    )
    empty_icon = "tag"
    empty_title = lazy_gettext("No products yet")
    empty_text = lazy_gettext("Products are imported or added by an administrator.")

    def __init__(self) -> None:
        super().__init__(
            Product, name=lazy_gettext("Products"), endpoint="products", url="products", menu_icon_value="tag"
        )

    def row_name(self, row: Any) -> str:
        return str(row.code)

    def row_state(self, row: Any) -> str:
        return "" if row.active else "is-void"

    def row_link(self, row: Any) -> str | None:
        return str(self.get_url(".edit_view", id=row.id)) if self.may("edit_view") else None

    def get_list_row_actions(self) -> list[Any]:
        return super().get_list_row_actions() if self.may("edit_view") else []

    def edit_form(self, obj: Any = None) -> Any:
        form = super().edit_form(obj)
        del form.code
        if request.method == "GET" and obj is not None:
            form.tax.data = Decimal(obj.tax_bp) / BASIS_POINTS
        return form

    def create_verb(self, actor: Actor, form: Any) -> Product:
        return service.add_product(actor, code=form.code.data.strip(), **asdict(_data(form)))

    def change_verb(self, actor: Actor, row: Product, form: Any) -> None:
        service.change_product(actor, row.id, _data(form), seen=form.seen.data)

    def mark(self, row: Product) -> str:
        return service.mark_product(row)

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {"currency": row.currency, "period_months": row.period_months}


def _data(form: Any) -> ProductData:
    return ProductData(
        name=(form.name.data or "").strip(),
        kind=ProductKind(form.kind.data),
        price=form.price.data or 0,
        currency=form.currency.data,
        period_months=form.period_months.data,
        tax_bp=round(form.tax.data * BASIS_POINTS),
        active=bool(form.active.data),
    )
