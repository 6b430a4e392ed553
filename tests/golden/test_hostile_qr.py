"""The `qr` cases of hostile_inputs.yaml through our own reading, checking and judging of codes."""

from __future__ import annotations

import base64
import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.equipment import Text
from caretaker.domain.rounds import codes
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.judge import DOUBLE_TAP_S
from caretaker.domain.rounds.scans import Reason, TokenType
from tests.unit.rounds.test_attacks import begun, pace, reasons, reordered_chain, someone_elses_round
from tests.unit.rounds.walker import KEY, SITE, START, S, scan

FOLDER = Path(os.environ.get("CARETAKER_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")
FILE = FOLDER / "hostile_inputs.yaml"
CASES: list[dict[str, Any]] = [
    case for case in (yaml.safe_load(FILE.read_text("utf-8")) if FILE.exists() else []) if case["surface"] == "qr"
]
CP17 = Checkpoint("cp-17", SITE, Text("", ""), "b1", short_code="170017")
CP18 = Checkpoint("cp-18", SITE, Text("", ""), "b1", short_code="180018", rotating=True)


def text_of(case: dict[str, Any]) -> str:
    """The input with its placeholders filled in."""
    raw = case["input"]
    if case["enc"] == "base64":
        return base64.b64decode(raw).decode("utf-8", "surrogateescape")
    text = str(raw) * int(case.get("repeat", 1))
    right = codes.mac_of(KEY, SITE, 0, "cp-17", 0)
    old = codes.step_at(START) - 20
    text = text.replace("<MAC of cp-17>", right).replace("<step 10 minutes old>", str(old))
    mac = codes.mac_of(KEY, SITE, 0, "cp-17", old) if f".{old}." in text else right
    return text.replace("<right MAC>", mac).replace(" + trailing newline", "\n")


def judged(case: dict[str, Any], folder: Path) -> bool:
    """Does this input count as a visit without anybody deciding so?"""
    text = text_of(case)
    if "another guard's session" in text:
        return someone_elses_round(random.Random(1)).accepted
    if "order of two scans swapped" in text:
        return reordered_chain(random.Random(1)).accepted
    if "scanned twice" in text:
        return _twice(text, folder)
    return codes.check(text, TokenType.PRINTED, SITE, (CP17, CP18), (KEY,), START).doubt is None


def _twice(text: str, folder: Path) -> bool:
    """The same place again: by the same id it is the same scan (the id is the key of the table); by another id a few
    seconds later it is one visit, the second marked as its duplicate."""
    server, phone, at_ns = begun(random.Random(2))
    first = scan(server, phone, 3, at_ns + pace(server, 2, 3, random.Random(3)))
    verdict = server.take(first)
    if "two scan ids" in text:
        assert DOUBLE_TAP_S > 3
        second = server.take(scan(server, phone, 3, first.device_ns + 3 * S))
        assert not second.accepted
        assert not second.suspicious
        assert reasons(second) == {Reason.DUPLICATE}
    else:
        transactions = SqlTransactions(f"sqlite:///{folder / 'scans.db'}")
        transactions.migrate()
        with transactions.begin() as unit:
            assert unit.scans.add(first)
        with transactions.begin() as unit:
            assert not unit.scans.add(first)
        transactions.close()
    return verdict.accepted


@pytest.mark.skipif(not CASES, reason=f"{FILE} is not there; set CARETAKER_CASES")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_hostile_code_behaves_as_written(case: dict[str, Any], tmp_path: Path) -> None:
    assert judged(case, tmp_path) == (case["expected"] == "accepted_sanitised"), case["why"]


def test_a_sticker_reads_from_a_url_of_any_host_and_nothing_else_does() -> None:
    token = codes.token_of(KEY, CP17)

    assert codes.read(f"https://house.example/s/{token}") == codes.read(token)
    assert codes.read(f"https://house.example/x?next={token}") is None
    assert codes.read(f"http://evil.example/s/{token}#<script>") is None
