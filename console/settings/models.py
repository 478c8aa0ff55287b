"""What is set on pages, by section, over the environment's defaults."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base


class SettingsSection(Base):
    """One section of settings. ``values`` has only those that differ from the environment."""

    __tablename__ = "settings"

    section: Mapped[str] = mapped_column(String(40), primary_key=True)
    values: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)  # rises with every change
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(120))
