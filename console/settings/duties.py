"""The section of settings about tax documents that a payment makes due: what it counts, and who says so."""

from __future__ import annotations

from console.core.texts import lazy_gettext
from console.settings.kinds import Choice, Number, YesNo
from console.settings.section import Section, Setting

_DAYS = lazy_gettext("working days")
_MOST = 60


def _delivered() -> dict[str, object]:
    return {"end": lazy_gettext("On the last day of the paid period"), "start": lazy_gettext("On its first day")}


DUTIES = Section(
    "duties",
    lazy_gettext("Tax documents"),
    lazy_gettext("What a payment makes due: advance invoices and fiscal receipts, and by when."),
    "file",
    (
        Setting(
            "duties.enabled", lazy_gettext("Duties"),
            YesNo(lazy_gettext("Every payment creates its duties"), lazy_gettext("Payments create no duties")),
            "DUTIES_ENABLED",
            lazy_gettext("For an issuer in Serbia. A pro-forma is no tax document; paying it makes one due."),
        ),
        Setting(
            "duties.receipt_days", lazy_gettext("Fiscal receipt for an advance"), Number(1, _MOST, _DAYS),
            "DUTIES_RECEIPT_DAYS",
            lazy_gettext("After the day of the payment, with its date on the receipt. Source: efiskalizovan.rs, on "
                         "transfers that are seen a day late: the next working day."),
        ),
        Setting(
            "duties.final_receipt_days", lazy_gettext("Final fiscal receipt"), Number(1, _MOST, _DAYS),
            "DUTIES_FINAL_RECEIPT_DAYS",
            lazy_gettext("After delivery: Avans-Refundacija, then Promet-Prodaja. Source: experta.rs, epos.rs. They "
                         "name no number of days: ask your accountant."),
        ),
        Setting(
            "duties.invoice_days", lazy_gettext("Advance invoice"), Number(1, _MOST, _DAYS), "DUTIES_INVOICE_DAYS",
            lazy_gettext("After the day of the payment. Source: poslovnisavetnik.net, which counts by tax period; "
                         "others count days: ask your accountant."),
        ),
        Setting(
            "duties.final_invoice_days", lazy_gettext("Final invoice"), Number(1, _MOST, _DAYS),
            "DUTIES_FINAL_INVOICE_DAYS",
            lazy_gettext("After delivery; between VAT payers through SEF. Source: experta.rs. Sources differ on the "
                         "deadline: ask your accountant."),
        ),
        Setting(
            "duties.delivered", lazy_gettext("A service counts as delivered"), Choice(_delivered), "DUTIES_DELIVERED",
            lazy_gettext("Lines without a period count as delivered when they are paid. Sources differ for services "
                         "that run for a year: ask your accountant."),
        ),
        Setting(
            "duties.same_month", lazy_gettext("Paid and delivered in the same month"),
            YesNo(lazy_gettext("The final invoice is enough"), lazy_gettext("An advance invoice as well")),
            "DUTIES_SAME_MONTH",
            lazy_gettext("Source: cekos.rs, for one tax period. If yours is a quarter, ask your accountant."),
        ),
        Setting(
            "duties.untaxed_advance", lazy_gettext("Advances without PDV"),
            YesNo(lazy_gettext("Companies get an advance invoice"), lazy_gettext("Companies get a final invoice only")),
            "DUTIES_UNTAXED_ADVANCE",
            lazy_gettext("Buyers abroad, exempt buyers, and issuers outside the PDV system. Source: the PDV law binds "
                         "VAT payers only; for the rest, ask your accountant."),
        ),
        Setting(
            "duties.credit_advance", lazy_gettext("Money on a customer’s credit"),
            YesNo(
                lazy_gettext("Is an advance when it arrives"), lazy_gettext("Is an advance when it pays a pro-forma")
            ),
            "DUTIES_CREDIT_ADVANCE",
            lazy_gettext("Sources differ on money that is not yet for anything: ask your accountant."),
        ),
    ),
)  # fmt: skip
