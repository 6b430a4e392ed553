"""A small estate under `caretaker up` as a process of its own: MQTT boxes, and Modbus meters a test answers for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from caretaker.adapters.sql import SqlTransactions
from caretaker.domain.people import Role
from caretaker.services import people
from tests.factories import ROOT
from tests.servers.base import Server, free_port

SITE = "corner"
KINDS = """\
kind: box
title: {zh: 盒, en: Box}
points:
  - {id: temp, title: {zh: 温度, en: Temperature}, unit: °C, range: [-50, 500], every: 1s, key: true}
failure_modes:
  overheating: {zh: 过热, en: Overheating}
rules:
  - id: hot
    title: {zh: 过热, en: Too hot}
    limit: {point: temp, above: 80, deadband: 5}
    priority: medium
    fault: overheating
    cause: {zh: 原因, en: Why}
    consequence: {zh: 后果, en: What follows}
    action: {zh: 措施, en: What to do}
    work_order: {due: 8h}
---
kind: meter
title: {zh: 表, en: Meter}
points:
  - {id: level, title: {zh: 液位, en: Level}, range: [0, 65535], every: 1s, key: true, modbus: {table: holding, address: 100}}
failure_modes:
  broken: {zh: 损坏, en: Broken}
rules:
  - id: high
    title: {zh: 偏高, en: High}
    limit: {point: level, above: 60000, deadband: 5}
    priority: low
    fault: broken
    cause: {zh: 原因, en: Why}
    consequence: {zh: 后果, en: What follows}
    action: {zh: 措施, en: What to do}
"""


def write_site(folder: Path, boxes: int, meters: Mapping[str, int]) -> tuple[Path, Path]:
    """equipment/ and site/: boxes b1, b2 … spoken for by d1, d2 …; a meter for each name, at a port of its own."""
    equipment, site = folder / "equipment", folder / "site"
    equipment.mkdir(parents=True)
    site.mkdir()
    for number, text in enumerate(KINDS.split("---\n")):
        (equipment / f"kind{number}.yaml").write_text(text, "utf-8")
    lines = ["site: {id: corner, title: {zh: 角, en: Corner}}", "spaces:"]
    lines += ["  - {id: hall, type: building, title: {zh: 厅, en: Hall}}", "assets:"]
    assets = [f"b{n}" for n in range(1, boxes + 1)] + list(meters)
    for name in assets:
        kind = "meter" if name in meters else "box"
        lines.append(f"  - {{id: {name}, kind: {kind}, title: {{zh: {name}, en: {name}}}, space: hall}}")
    if meters:
        lines.append("connections:")
        lines += [f"  - {{id: {name}-bus, host: 127.0.0.1, port: {port}}}" for name, port in meters.items()]
    lines.append("devices:")
    lines += [f"  - {{id: d{n}, protocol: mqtt, watches: [{{asset: b{n}}}]}}" for n in range(1, boxes + 1)]
    for name in meters:
        how = f"connection: {name}-bus, unit: 1, every: 200ms, timeout: 150ms"
        lines.append(f"  - {{id: {name}-dev, protocol: modbus, {how}, watches: [{{asset: {name}}}]}}")
    (site / "site.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    return equipment, site


class Up(Server):
    """`caretaker up --no-demo` with the embedded broker; `port` is the page's, `mqtt` the devices'."""

    def __init__(self, folder: Path, site: tuple[Path, Path], data: Path, **settings: str) -> None:
        super().__init__(folder)
        self.data = data
        self.mqtt = free_port()
        self.settings = {"CARETAKER_EQUIPMENT": str(site[0]), "CARETAKER_SITE": str(site[1])}
        self.settings |= {f"CARETAKER_{name.upper()}": value for name, value in settings.items()}

    def command(self) -> Sequence[str]:
        listen = ["--http", f"127.0.0.1:{self.port}", "--mqtt", f"127.0.0.1:{self.mqtt}"]
        return [sys.executable, "-m", "caretaker.cli", "up", "--no-demo", "--data", str(self.data), *listen]

    def environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARETAKER_")}
        return {**inherited, **self.settings, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}

    def is_ready(self) -> bool:
        return "ready http" in self.log() and "mqtt_connected" in self.log()

    def client(self, role: Role) -> httpx.Client:
        """Signed in with a token made beside the running process."""
        transactions = SqlTransactions(f"sqlite:///{self.data / 'caretaker.db'}", owner=False)
        try:
            token = people.create_token(transactions, role, f"the {role}", 1_700_000_000_000_000_000)
        finally:
            transactions.close()
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, timeout=10)

    def told(self, event: str) -> list[str]:
        """The log lines of an event."""
        return [line for line in self.log().splitlines() if re.search(rf"event='{event}'", line)]
