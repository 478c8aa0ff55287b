"""Defaults that have a name, because others compare with them or use them too."""

from __future__ import annotations

# Known to everyone who can read this file: good for a demo, refused in production.
DEMO_SECRET_KEY = "demo-secret-key-known-to-everyone"  # noqa: S105
DEMO_SEAL_KEY = "ZGVtby1zZWFsLWtleS1rbm93bi10by1ldmVyeW9uZSE="
DEMO_PASSWORD = "Demo-lozinka-1"  # noqa: S105
# Departments that a new installation has, by what customers ask for in the portal.
REQUEST_DEPARTMENTS = {
    "order": "sales",
    "change": "sales",
    "cancellation": "sales",
    "password": "technical",
    "quote": "accounting",
}
