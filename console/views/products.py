"""The list of what is sold."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.hosting.models import Product
from console.staff.roles import Permission
from console.views import formatters
from console.views.base import BaseModelView
from console.views.filtering import Choice, Flag
from console.views.labels import PRODUCT_KIND, Label

BASIS_POINTS = 100  # in one per cent
ON_SALE = {True: Label(lazy_gettext("on sale"), "ok", "ok"), False: Label(lazy_gettext("not sold"), "ban", "void")}


def views() -> list[BaseModelView]:
    """Return the list."""
    return [ProductList()]


def _price(_view: Any, _context: Any, row: Product, name: str) -> Markup:
    return Markup('{} <span class="muted">/ {}</span>').format(
        formatters.amount(_view, _context, row, name),
        ngettext("%(num)d month", "%(num)d months", row.period_months),
    )


def _rate(_view: Any, _context: Any, row: Product, _name: str) -> Markup:
    return Markup('<span class="num">{}</span>').format(gettext("%(rate)s %%", rate=row.tax_bp // BASIS_POINTS))


class ProductList(BaseModelView):
    """Products, their prices and their PDV."""

    permission = Permission.SEE_PRODUCTS
    group = "billing"
    parent = "settings"
    settings_group = "company"
    settings_lead = lazy_gettext("What is sold, for how much, with which PDV.")

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
    empty_text = lazy_gettext("They come with an import.")

    def __init__(self) -> None:
        super().__init__(
            Product, name=lazy_gettext("Products"), endpoint="products", url="products", menu_icon_value="tag"
        )

    def row_name(self, row: Any) -> str:
        return str(row.code)

    def row_state(self, row: Any) -> str:
        return "" if row.active else "is-void"

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {"currency": row.currency, "period_months": row.period_months}
