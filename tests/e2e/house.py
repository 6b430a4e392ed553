"""The whole house on free ports with a scenario, as `bin/caretaker up` starts it, and a browser page signed in to it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Page

from tests.servers.base import Server, free_port
from tooling.steps import ROOT

_LINK: Final = re.compile(r"http://\S+/sign-in#code=\S+")
AXE: Final = Path(ROOT, "web", "node_modules", "axe-core", "axe.min.js")


class House(Server):
    """`caretaker up` in a process of its own; keeps ports, data and scenario over kill and start."""

    def __init__(
        self,
        folder: Path,
        scenario: Sequence[Mapping[str, object]],
        guards: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(folder)
        self._mqtt = free_port()
        self._scenario = folder / "scenario.yaml"
        self._scenario.write_text(
            json.dumps({"title": "test", "steps": list(scenario), "guards": list(guards)}), "utf-8"
        )

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def command(self) -> Sequence[str]:
        self._log_path.write_text("", "utf-8")  # a restarted house prints a link of its own
        return [
            *(sys.executable, "-m", "caretaker.cli", "up", "--data", str(self.folder / "data")),
            *("--http", f"{self.host}:{self.port}", "--mqtt", f"{self.host}:{self._mqtt}"),
            *("--scenario", str(self._scenario)),
        ]

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": ROOT}

    def is_ready(self) -> bool:
        if _LINK.search(self.log()) is None:
            return False
        try:
            return httpx.get(f"{self.url}/api/v1/health", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def link(self) -> str:
        """The one-time sign-in link it printed."""
        found = _LINK.search(self.log())
        assert found is not None
        return found.group()


def violations(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it is now, one line each."""
    # Through the protocol, not by a script tag: the page's policy forbids foreign scripts, and shall.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
