"""Roles: what the software needs a purpose for. A bank's ``consent.toml`` says which of its purposes serves which."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["insights", "forecast", "personalisation", "marketing", "care", "learning", "protection"]
"""Looking at a person's money, and looking ahead; fitting the app; offers; care; learning; a legal duty to protect."""
ROLES: tuple[Role, ...] = get_args(Role)
