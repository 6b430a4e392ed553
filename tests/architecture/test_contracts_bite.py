"""The import contracts of pyproject.toml on a small skeleton of the house: kept when it is right, broken when it is not."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tooling.check import program
from tooling.steps import ROOT

# Every module a contract names, with the imports that make its library "used".
SKELETON = {
    "caretaker/__init__.py": "",
    "caretaker/domain/__init__.py": "",
    "caretaker/domain/alarms.py": "import numpy",
    "caretaker/catalog/__init__.py": "import yaml",
    "caretaker/config.py": "",
    "caretaker/wire.py": "import msgspec",
    "caretaker/recurrence.py": "import dateutil, holidays",
    "caretaker/sentences/__init__.py": "",
    "caretaker/ports.py": "import caretaker.domain.alarms",
    "caretaker/services/__init__.py": "",
    "caretaker/services/alarms.py": "import caretaker.ports",
    "caretaker/adapters/__init__.py": "",
    "caretaker/adapters/sql/__init__.py": "import sqlalchemy, alembic",
    "caretaker/adapters/store_influx/__init__.py": "import influxdb_client",
    "caretaker/adapters/certificates.py": "import cryptography",
    "caretaker/adapters/signatures.py": "import cryptography",
    "caretaker/adapters/journal_lmdb/__init__.py": "import lmdb",
    "caretaker/adapters/mqtt/__init__.py": "import mqtt5, paho.mqtt.client",
    "caretaker/bootstrap.py": "import caretaker.adapters.sql, caretaker.services.alarms",
    "caretaker/cli.py": "import gateway, ingest, rules, api, simulators",
    "gateway/__init__.py": "",
    "gateway/collectors/__init__.py": "",
    "gateway/collectors/mqtt/__init__.py": "",
    "gateway/collectors/modbus/__init__.py": "import pymodbus",
    "ingest/__init__.py": "import caretaker.bootstrap",
    "rules/__init__.py": "import caretaker.services.alarms",
    "api/__init__.py": "import fastapi, starlette",
    "api/paper/__init__.py": "import fpdf, noto_cjk_sans_otc, xlsxwriter",
    "simulators/__init__.py": "import aiomqtt, pymodbus, caretaker.domain.alarms",
    "simulators/guards/__init__.py": "",
    "simulators/guards/phone.py": "import cryptography",
}

OFFENCES = {
    "a process imports its neighbour": ("floors", "rules/__init__.py", "import ingest"),
    "a use case knows a database": ("floors", "caretaker/services/alarms.py", "import caretaker.adapters.sql"),
    "the domain looks upwards": ("floors", "caretaker/domain/alarms.py", "import caretaker.ports"),
    "a process imports the command line": ("floors", "gateway/__init__.py", "import caretaker.cli"),
    "a drawer for odds and ends": ("declared", "caretaker/utils.py", ""),
    "the domain reads a file": ("domain", "caretaker/domain/alarms.py", "import pathlib"),
    "the domain asks for the time": ("domain", "caretaker/domain/alarms.py", "import time"),
    "a process takes an adapter by name": ("adapters", "gateway/__init__.py", "import caretaker.adapters.mqtt"),
    "a simulator borrows a decoder": ("simulators", "simulators/__init__.py", "import gateway.collectors.modbus"),
    "the house knows that it is simulated": ("unsimulated", "rules/__init__.py", "import simulators"),
    "two neighbours need each other": ("cycles", "caretaker/domain/orders.py", "import caretaker.domain.alarms"),
    "SQL outside its home": ("sql", "api/__init__.py", "import sqlalchemy"),
    "InfluxDB outside its home": ("influx", "ingest/__init__.py", "import influxdb_client"),
    "dateutil outside its home": ("recurrence", "rules/__init__.py", "import dateutil"),
    "cryptography outside its home": ("cryptography", "api/__init__.py", "import cryptography"),
    "LMDB outside its home": ("lmdb", "ingest/__init__.py", "import lmdb"),
    "MQTT outside its home": ("mqtt", "rules/__init__.py", "import aiomqtt"),
    "Modbus outside its home": ("modbus", "rules/__init__.py", "import pymodbus"),
    "FastAPI outside its home": ("web", "caretaker/services/alarms.py", "import fastapi"),
    "PDF outside its home": ("paper", "api/__init__.py", "import fpdf"),
    "a workbook outside its home": ("paper", "rules/__init__.py", "import xlsxwriter"),
    "YAML outside its home": ("yaml", "rules/__init__.py", "import yaml"),
}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("skeleton")
    shutil.copy(Path(ROOT) / "pyproject.toml", folder)
    for name, text in SKELETON.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8")
    return folder


@pytest.fixture
def lint(skeleton: Path) -> Callable[..., tuple[int, str]]:
    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [program("lint-imports"), "--no-logo", "--no-cache", *words],
            cwd=skeleton,
            env={
                **os.environ,
                "PYTHONPATH": str(skeleton),
            },  # before the checkout, which the environment has on its path
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_skeleton_keeps_every_contract(lint: Callable[..., tuple[int, str]]) -> None:
    code, words = lint()
    assert code == 0, words


@pytest.mark.parametrize(("contract", "path", "line"), OFFENCES.values(), ids=OFFENCES)
def test_an_offence_is_found(
    lint: Callable[..., tuple[int, str]], skeleton: Path, contract: str, path: str, line: str
) -> None:
    target = skeleton / path
    before = target.read_text("utf-8") if target.exists() else None
    neighbour = skeleton / "caretaker" / "domain" / "alarms.py"
    neighbour_before = neighbour.read_text("utf-8")
    try:
        if contract == "cycles":
            neighbour.write_text(neighbour_before + "import caretaker.domain.orders\n", "utf-8")
        target.write_text((before or "") + line + "\n", "utf-8")
        code, words = lint("--contract", contract)
        assert code == 1, words
        assert "BROKEN" in words, words
    finally:
        neighbour.write_text(neighbour_before, "utf-8")
        if before is None:
            target.unlink()
        elif target != neighbour:
            target.write_text(before, "utf-8")


def test_every_contract_has_an_offence() -> None:
    import tomllib

    settings = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text("utf-8"))
    declared = {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert declared == {contract for contract, _, _ in OFFENCES.values()}
