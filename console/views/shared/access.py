"""Who may open a page: the same rule for every view, and its place in the sidebar and the settings."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.errors import NotFound, Text
from console.staff.roles import Permission
from console.web.identity import ask_to_sign_in, current_actor


class Guarded:
    """Access to a view (a mixin): people without a session are asked to sign in; a page one may not see is not found.

    Args of a subclass (class attributes):
        permission: opens the view; of several one is enough.
        permissions: names further ones for single methods.
    """

    permission: ClassVar[Permission | tuple[Permission, ...] | None] = None
    permissions: ClassVar[dict[str, Permission]] = {}
    group: ClassVar[str | None] = None  # of ``console.views.shared.menu.GROUPS``; None: not in the sidebar
    letter: ClassVar[str] = ""  # G, then this letter, opens the page
    # The endpoint of the sidebar's page above this one. With a group as well, the page is in the sidebar for those who
    # may not open the page above.
    parent: ClassVar[str | None] = None
    settings_group: ClassVar[str] = ""  # of ``console.views.settings.sections.GROUPS``
    settings_lead: Text = ""  # the page's description among the settings
    landing: ClassVar[bool] = False  # where those with its one permission begin after signing in
    command: ClassVar[Text] = ""  # what the palette calls a page that is not in the sidebar

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in cls.permissions:  # a renamed method would otherwise lose its permission silently
            if not callable(getattr(cls, method, None)):
                raise TypeError(f"{cls.__name__}.permissions names {method}, which is not one of its methods")

    def is_open(self) -> bool:
        """Return whether the signed-in person may open this view."""
        return bool(current_user.is_authenticated) and self._is_permitted()

    def may(self, method: str) -> bool:
        """Return whether the signed-in person may use one of the view's methods."""
        needed = self.permissions.get(method)
        return self._is_permitted() and (needed is None or current_actor().may(needed))

    def is_accessible(self) -> bool:
        """Tell Flask-Admin whether the signed-in person may use the method that this request is for."""
        method = str(request.endpoint).rpartition(".")[2]
        return bool(current_user.is_authenticated) and self.may(method)

    def inaccessible_callback(self, _name: str, **_kwargs: Any) -> ResponseReturnValue:
        """Answer those who may not use it."""
        if not current_user.is_authenticated:
            return ask_to_sign_in()
        raise NotFound(code="not_allowed")

    def _is_permitted(self) -> bool:
        if self.permission is None:
            return True
        either = self.permission if isinstance(self.permission, tuple) else (self.permission,)
        return any(map(current_actor().may, either))
