"""A browser's own description in words people know their devices by."""

from __future__ import annotations

from dataclasses import dataclass

from console.core.texts import gettext

# The first that is found names it: Edge and Opera also call themselves Chrome, and all of them Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "Chrome/": "Chrome",
    "CriOS": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_IN_THE_HAND = ("iPhone", "iPad", "Android")


@dataclass(frozen=True)
class Device:
    """``phone``: something held in the hand."""

    name: str
    phone: bool


def device(user_agent: str | None) -> Device:
    """Return what ``user_agent`` says, as far as it is one we know."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS.items() if mark in text), None)
    system = next((name for mark, name in _SYSTEMS.items() if mark in text), None)
    phone = system in _IN_THE_HAND
    if browser and system:
        return Device(gettext("%(browser)s on %(system)s", browser=browser, system=system), phone)
    return Device(browser or system or gettext("Unknown browser"), phone)
