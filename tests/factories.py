"""Makers of objects for tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path

from caretaker.catalog import read_kinds, read_site
from caretaker.domain.assets import Estate, SiteFile, build_estate
from caretaker.domain.equipment import EquipmentKind

ROOT = Path(__file__).resolve().parent.parent


@cache
def demo_kinds() -> Mapping[str, EquipmentKind]:
    """The kinds of equipment/."""
    return read_kinds(ROOT / "equipment")


@cache
def demo_site() -> SiteFile:
    """sites/demo as its files tell it."""
    return read_site(ROOT / "sites" / "demo", demo_kinds())


@cache
def demo_estate() -> Estate:
    """The demo site without a database: point ids are 1, 2, 3 … in file order."""
    ids = count(1)
    return build_estate(demo_site(), demo_kinds(), lambda _asset, _key: next(ids))
