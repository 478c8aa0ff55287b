"""Who issues our documents: one part of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.core.settings.reading import Reader


@dataclass(frozen=True)
class Issuer:
    """Who issues our documents, as printed and frozen on each of them."""

    name: str = "Mint Hosting d.o.o."
    brand: str = "Mint Hosting"  # at the top of documents; the name when empty
    pib: str = "100000049"
    mb: str = "20000009"
    address: str = "Bulevar primera 1"
    postcode: str = "11000"
    city: str = "Beograd"
    country: str = "RS"
    in_vat_system: bool = True
    # account number by currency, 18 digits or IBAN
    accounts: Mapping[str, str] = field(
        default_factory=lambda: {"RSD": "840-955845-10", "EUR": "RS35105008123123123173"}
    )
    bic: str = "AIKBRS22"  # of the bank that has the account for other currencies than dinars
    terms_days: int = 8

    def snapshot(self, currency: str) -> dict[str, object]:
        """Return what a document in ``currency`` freezes about its issuer."""
        return {
            "name": self.name,
            "brand": self.brand,
            "pib": self.pib,
            "mb": self.mb,
            "address": self.address,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "in_vat_system": self.in_vat_system,
            "account": self.accounts.get(currency, ""),
            "bic": "" if currency == "RSD" else self.bic,
        }


def read_issuer(values: Reader) -> Issuer:
    default = Issuer()
    accounts = dict(pair.split(":", 1) for pair in values.many("ISSUER_ACCOUNTS", ()) if ":" in pair)
    return Issuer(
        name=values.text("ISSUER_NAME", default.name),
        brand=values.text("ISSUER_BRAND", "" if values.optional("ISSUER_NAME") else default.brand),
        bic=values.text("ISSUER_BIC", "" if accounts else default.bic),  # another's bank would be worse than none
        pib=values.text("ISSUER_PIB", default.pib),
        mb=values.text("ISSUER_MB", default.mb),
        address=values.text("ISSUER_ADDRESS", default.address),
        postcode=values.text("ISSUER_POSTCODE", default.postcode),
        city=values.text("ISSUER_CITY", default.city),
        country=values.text("ISSUER_COUNTRY", default.country),
        in_vat_system=values.choice("ISSUER_VAT", ("yes", "no"), "yes") == "yes",
        accounts=accounts or default.accounts,
        terms_days=values.number("ISSUER_TERMS_DAYS", default.terms_days),
    )
