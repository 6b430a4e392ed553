"""Who uses the system and what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """Glossary 4.6 with the mission's words. `device` is for machines that send readings."""

    GUARD = "guard"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"
    DEVICE = "device"


class Right(StrEnum):
    """What a request needs."""

    WATCH = "watch"
    ACKNOWLEDGE = "acknowledge"
    WORK = "work"
    DISPATCH = "dispatch"
    CLOSE = "close"
    ADMINISTER = "administer"
    SEND = "send"


R, T = Right, Role
_ALL_PEOPLE = frozenset({R.WATCH})
RIGHTS: Final = MappingProxyType(
    {
        T.GUARD: _ALL_PEOPLE | {R.ACKNOWLEDGE},
        T.TECHNICIAN: _ALL_PEOPLE | {R.ACKNOWLEDGE, R.WORK},
        T.SUPERVISOR: _ALL_PEOPLE | {R.ACKNOWLEDGE, R.WORK, R.DISPATCH, R.CLOSE},
        T.MANAGER: _ALL_PEOPLE | {R.ACKNOWLEDGE, R.DISPATCH, R.CLOSE},
        T.ADMIN: frozenset(Right) - {R.SEND},
        T.DEVICE: frozenset({R.SEND}),
    }
)
"""Role -> rights. The only place where rights are given."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody (or a named token) who acts."""

    id: str
    name: str
    role: Role

    def may(self, right: Right) -> bool:
        """Has this person the right?"""
        return right in RIGHTS[self.role]
