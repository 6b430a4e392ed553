"""`caretaker bench` tells the truth: what it counts as sent, stored and judged is so, and what is lost it calls lost.

Few messages, and never a speed: figures belong to a quiet machine and to docs/benchmarks.md.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.__main__ import summary
from caretaker.config import ROOT
from tests.servers import need

pytestmark = [pytest.mark.servers, pytest.mark.faults]

FIGURES = {
    "messages",
    "sent",
    "stored",
    "judged",
    "lost",
    "alarms",
    "seconds",
    "messages_per_s",
    "values_per_s",
    "cpu_s_per_100k",
    "rss_mb",
    "rss_peak_mb",
    "flush_s",
    "records",
    "sent_in_s",
    "others",
    "load",
}


def bench(*arguments: str) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, "-m", "caretaker.cli", "bench", *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("qos", ["0", "1"])
def test_every_reading_that_was_sent_is_stored_and_judged(qos: str) -> None:
    need("mosquitto")
    code, said, errors = bench("pipeline", "--fields", "10", "--messages", "2000", "--qos", qos)
    assert code == 0, errors
    assert set(said) == {"benchmark", "machine", "options", "runs", "median", "spread"}
    assert said["machine"]["cores"] > 0
    assert said["machine"]["fsync_ms"] > 0
    (run,) = said["runs"]
    assert set(run) == FIGURES
    assert (run["sent"], run["stored"], run["judged"], run["lost"]) == (20_000, 20_000, 20_000, 0)
    assert run["alarms"] == 10, "ten devices go beyond their limit, so the rules really judged"
    assert run["cpu_s_per_100k"] > 0
    assert run["rss_peak_mb"] >= run["rss_mb"] > 0


def test_what_did_not_arrive_is_called_lost() -> None:
    """The wrong variant: ten messages are counted as sent and never sent."""
    need("mosquitto")
    code, said, errors = bench(
        "pipeline", "--fields", "10", "--messages", "2000", "--withhold", "10", "--patience", "2"
    )
    (run,) = said["runs"]
    assert (run["sent"], run["stored"], run["judged"], run["lost"]) == (20_000, 19_900, 19_900, 100)
    assert code == 1
    assert "LOST: 100 readings" in errors


def test_the_median_is_told_with_its_spread() -> None:
    median, spread = summary([{"seconds": 3.0}, {"seconds": 1.0}, {"seconds": 9.0}])
    assert (median, spread) == ({"seconds": 3.0}, {"seconds": [1.0, 9.0]})
