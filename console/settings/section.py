"""A setting, and a section of settings that are looked at and changed together."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from console.core.errors import NotFound, Text
from console.core.settings import PREFIX, Settings
from console.settings.kinds import Kind

SECRET = frozenset(one.name for one in fields(Settings) if not one.repr)


@dataclass(frozen=True)
class Setting:
    """One setting.

    Args:
        name: where it is stored: ``brand``, ``issuer.city``, ``issuer.accounts.EUR``.
        variable: the variable of the environment that has the default, without ``CONSOLE_``.
        help: what it does, in a sentence.
    """

    name: str
    label: Text
    kind: Kind
    variable: str
    help: Text = ""

    def __post_init__(self) -> None:
        if self.name.partition(".")[0] in SECRET:
            raise TypeError(f"{self.name} holds a secret: it stays in the environment")

    @property
    def field(self) -> str:
        """What a form calls it."""
        return self.name.replace(".", "_").lower()

    @property
    def environment_name(self) -> str:
        """Return the variable of the environment, whole."""
        return PREFIX + self.variable


@dataclass(frozen=True)
class Section:
    """Settings that are looked at and changed together."""

    key: str
    title: Text
    lead: Text
    icon: str
    settings: tuple[Setting, ...] = field(default=())

    def setting(self, name: str) -> Setting:
        """Return one setting, by its name or the form's.

        Raises:
            NotFound: there is none in this section.
        """
        for one in self.settings:
            if name in (one.name, one.field):
                return one
        raise NotFound
