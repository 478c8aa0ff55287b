"""Passwords that cost nothing: Argon2 is slow on purpose, and every second test signs in."""

from __future__ import annotations

from argon2 import PasswordHasher

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
