"""Shapes used everywhere."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from caretaker.domain.equipment import Text

NS_PER_MS = 1_000_000
MOST_NS = (1 << 63) - 1
"""The latest moment that a database keeps (the year 2262)."""


class Shape(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Body(BaseModel):
    """A request: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Words(Shape):
    """One sentence in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, text: Text | None) -> Words | None:
        """From the domain."""
        return None if text is None else cls(zh=text.zh, en=text.en)

    @classmethod
    def needed(cls, text: Text) -> Words:
        """From the domain, never missing."""
        return cls(zh=text.zh, en=text.en)


def ms(ns: int | None) -> int | None:
    """Nanoseconds to milliseconds."""
    return None if ns is None else ns // NS_PER_MS


def ns(at_ms: int | None) -> int | None:
    """Milliseconds to nanoseconds, at most what a database can compare with."""
    return None if at_ms is None else min(at_ms * NS_PER_MS, MOST_NS)


class ProblemShape(Shape):
    """RFC 9457 problem+json."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, object]
