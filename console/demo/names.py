"""Names that could be real and belong to nobody, drawn from one seeded generator."""

from __future__ import annotations

import re
from random import Random

from stdnum.iso7064 import mod_11_10

from console.core.text import fold

WOMEN = (
    "Ana", "Milica", "Jelena", "Đurđa", "Živana", "Ljiljana", "Snežana", "Anđela", "Višnja", "Božica", "Nađa",
    "Teodora", "Jovana", "Željka", "Svetlana", "Mirjana", "Katarina", "Sofija", "Dragana", "Ružica",
)  # fmt: skip
MEN = (
    "Đorđe", "Nikola", "Željko", "Miloš", "Nebojša", "Uroš", "Siniša", "Aleksandar", "Čedomir", "Vladimir", "Ognjen",
    "Dušan", "Marko", "Stefan", "Živko", "Luka", "Predrag", "Nenad", "Saša", "Vojislav",
)  # fmt: skip
SURNAMES = (
    "Đorđević", "Petrović", "Šarić", "Čolić", "Živković", "Jovanović", "Nikolić", "Šćepanović", "Đukić", "Stojanović",
    "Ćirić", "Božić", "Radovanović", "Žunić", "Mišković", "Pavlović", "Tošić", "Milošević", "Krstić", "Vučković",
    "Đurić", "Kostić", "Lazarević", "Marković", "Ilić", "Čubrilo", "Žarković", "Šipka", "Anđelković", "Ristić",
)  # fmt: skip
TOWNS = (
    ("11000", "Beograd"), ("21000", "Novi Sad"), ("18000", "Niš"), ("32000", "Čačak"), ("36000", "Kraljevo"),
    ("15000", "Šabac"), ("24000", "Subotica"), ("23000", "Zrenjanin"), ("31000", "Užice"), ("37000", "Kruševac"),
    ("12000", "Požarevac"), ("14000", "Valjevo"), ("16000", "Leskovac"), ("35230", "Ćuprija"), ("22400", "Ruma"),
)  # fmt: skip
STREETS = (
    "Cara Dušana", "Kneza Miloša", "Vojvode Stepe", "Njegoševa", "Čika Ljubina", "Šumadijska", "Đure Jakšića",
    "Živojina Mišića", "Takovska", "Braće Jugovića", "Karađorđeva", "Nušićeva", "Bulevar oslobođenja", "Zmaj Jovina",
)  # fmt: skip
TRADES = (
    "Pekara", "Štamparija", "Knjižara", "Stolarija", "Autoservis", "Cvećara", "Apoteka", "Vinarija", "Mlekara",
    "Turistička agencija", "Građevina", "Pčelarstvo", "Čajdžinica", "Zubna ordinacija", "Arhitektonski biro",
)  # fmt: skip
MARKS = (
    "Jasen", "Šumarak", "Žito", "Đerdap", "Čarapan", "Morava", "Kalemegdan", "Javor", "Bagrem", "Breza", "Zlatibor",
    "Tisa", "Kosmaj", "Ravanica", "Višnjica", "Šargan", "Ćuran", "Gruža", "Oplenac", "Ljubić",
)  # fmt: skip
_NOT_A_LABEL = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return ``text`` as a part of a domain name."""
    return _NOT_A_LABEL.sub("-", fold(text)).strip("-")


class Names:
    """Draws names; those that must be unique carry a number of their own."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._count = 0

    def number(self) -> int:
        """Return a number not given before."""
        self._count += 1
        return self._count

    def person(self) -> str:
        """Return a first name and a surname."""
        return f"{self._rng.choice(WOMEN + MEN)} {self._rng.choice(SURNAMES)}"

    def company(self) -> str:
        """Return a company's name."""
        form = self._rng.choice(("d.o.o.", "d.o.o.", "PR", "a.d."))
        return f"{self._rng.choice(TRADES)} {self._rng.choice(MARKS)} {form}"

    def town(self) -> tuple[str, str]:
        """Return a postcode and its town."""
        return self._rng.choice(TOWNS)

    def street(self) -> str:
        """Return a street with a house number."""
        return f"{self._rng.choice(STREETS)} {self._rng.randint(1, 180)}"

    def phone(self) -> str:
        """Return a number in a range that nobody has."""
        return f"+381 60 000 {self._rng.randint(0, 9999):04d}"


def pib(number: int) -> str:
    """Return a PIB with its check digit (ISO 7064 MOD 11,10), a different one for every number."""
    body = f"{10_000_000 + number % 89_999_999:08d}"
    return body + str(mod_11_10.calc_check_digit(body))


def mb(number: int) -> str:
    """Return a company number: eight digits."""
    return f"{20_000_000 + number % 79_999_999:08d}"
