"""Settings, read once from the environment (every name with ``CONSOLE_`` in front).

Some of them an administrator may set on a page as well: ``console.settings``.
"""

from console.core.settings.checks import check_settings
from console.core.settings.defaults import DEMO_PASSWORD, DEMO_SEAL_KEY, DEMO_SECRET_KEY
from console.core.settings.duties import DutyRules
from console.core.settings.environment import Settings
from console.core.settings.reading import PREFIX, SettingsError, read_days, write_days

__all__ = [
    "DEMO_PASSWORD",
    "DEMO_SEAL_KEY",
    "DEMO_SECRET_KEY",
    "PREFIX",
    "DutyRules",
    "Settings",
    "SettingsError",
    "check_settings",
    "read_days",
    "write_days",
]
