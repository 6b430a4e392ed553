"""What stands on printed sheets, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.schemas.common import Words

LABELS: Final[Mapping[str, Words]] = {
    "title": Words(zh="巡检点标签", en="Checkpoint labels"),
    "code": Words(zh="短码", en="Code"),
    "use": Words(zh="扫码报修；巡检打卡", en="Scan to report or check in"),
}
