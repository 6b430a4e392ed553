"""A plain site for fault tests, written as files: many machines, one point each, one rule without delay."""

from __future__ import annotations

from pathlib import Path

KIND = """\
kind: machine
title: {zh: 机器, en: Machine}
points:
  - {id: temp, title: {zh: 温度, en: Temperature}, unit: °C, range: [-50, 500], every: 1s, key: true}
failure_modes:
  overheating: {zh: 过热, en: Overheating}
rules:
  - id: hot
    title: {zh: 过热, en: Too hot}
    limit: {point: temp, above: 80, deadband: 5}
    priority: high
    fault: overheating
    work_order: {due: 8h}
    cause: {zh: 冷却不足, en: Too little cooling}
    consequence: {zh: 停机, en: It stops}
    action: {zh: 检查风扇, en: Look at the fan}
"""
SITE = """\
site: {id: yard, title: {zh: 院子, en: Yard}}
spaces:
  - {id: hall, type: building, title: {zh: 厅, en: Hall}}
assets:
%s
devices:
%s
"""
SITE_ID = "yard"
LIMIT = 80.0


def write_yard(folder: Path, machines: int) -> tuple[Path, Path]:
    """equipment/ and site/ under `folder`: machines m1, m2 …, each watched over MQTT by d1, d2 …"""
    equipment, site = folder / "equipment", folder / "site"
    equipment.mkdir()
    site.mkdir()
    (equipment / "machine.yaml").write_text(KIND, "utf-8")
    numbers = range(1, machines + 1)
    assets = [
        f"  - {{id: m{n}, kind: machine, title: {{zh: 机器 {n}, en: Machine {n}}}, space: hall}}" for n in numbers
    ]
    devices = [f"  - {{id: d{n}, protocol: mqtt, watches: [{{asset: m{n}}}]}}" for n in numbers]
    (site / "site.yaml").write_text(SITE % ("\n".join(assets), "\n".join(devices)), "utf-8")
    return equipment, site
