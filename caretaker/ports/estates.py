"""Sites and what stands there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from caretaker.domain.assets import Estate, SiteFile
from caretaker.domain.equipment import EquipmentKind


class Estates(Protocol):
    """Sites and what stands there."""

    def load(self, kinds: Mapping[str, EquipmentKind], site: SiteFile) -> None:
        """Write a site file into SQL; the same file twice changes nothing; points keep their ids for ever."""
        ...

    def get(self, kinds: Mapping[str, EquipmentKind], site: str | None = None) -> Estate:
        """The estate (the only one when `site` is None). Raises NotFound."""
        ...
