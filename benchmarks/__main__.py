"""`caretaker bench …` and `python -m benchmarks …`: measure, print, prove; exit code 1 when a reading was lost."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import coverage, idle, machine, parts, pipeline, report
from caretaker.domain.errors import CaretakerError

Measure = Callable[[], dict[str, Any]]


def main(arguments: list[str]) -> int:
    """Run one benchmark; 0: measured and nothing lost."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        where = machine.describe(Path(folder))
    said = sys.stderr if options.json else sys.stdout
    print(f"machine: {where.line()}", file=said, flush=True)
    measure = _measure(options)
    runs: list[dict[str, Any]] = []
    try:
        for number in range(options.repeat):
            runs.append(measure())
            print(f"run {number + 1}: {_line(runs[-1])}", file=said, flush=True)
    except CaretakerError as wrong:
        print(f"caretaker bench: {wrong.message}", file=sys.stderr)
        return 1
    median, spread = summary(runs)
    if options.repeat > 1:
        print(f"median: {_line(median)}", file=said)
    if options.json:
        asked = {key: value for key, value in vars(options).items() if key not in {"json", "what"}}
        shape = {"machine": where.facts(), "options": asked, "runs": runs, "median": median, "spread": spread}
        print(json.dumps({"benchmark": options.what, **shape}))
    lost = sum(run.get("lost", 0) for run in runs)
    if lost:
        print(f"LOST: {lost} readings were sent and not found again", file=sys.stderr)
    return 1 if lost else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="caretaker bench", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    whole = what.add_parser("pipeline", help="broker, collector, journal, rules and store together")
    whole.add_argument("--qos", type=int, choices=(0, 1), default=1)
    whole.add_argument("--fields", type=int, choices=(1, 10), default=1, help="values in a message")
    whole.add_argument("--messages", type=int, default=None, help="default: 1,000,000 (150,000 with 10 fields)")
    whole.add_argument("--store", choices=("blocks", "influx"), default="blocks")
    whole.add_argument("--withhold", type=int, default=0, help="messages counted but not sent: the loss must be found")
    whole.add_argument("--patience", type=float, default=60.0, help="seconds without anything new that mean: lost")
    resting = what.add_parser("idle", help="the demo with everything, nobody looking")
    resting.add_argument("--seconds", type=float, default=30.0)
    for name, words in (
        ("journal", "synced appends"),
        ("rules", "judging alone"),
        ("store", "block store alone"),
        ("report", "an inspection report of 31 days with 60 photos, as PDF and as workbook"),
        ("coverage", "300,000 visits of three months, as the coverage and statistics pages count them"),
    ):
        what.add_parser(name, help=words)
    for each in what.choices.values():
        each.add_argument("--repeat", type=int, default=1, help="runs; the median is told with its spread")
        each.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _measure(options: argparse.Namespace) -> Measure:
    if options.what == "pipeline":
        messages = options.messages or (1_000_000 if options.fields == 1 else 150_000)
        asked = pipeline.Options(
            options.qos, options.fields, messages, options.store, options.withhold, options.patience
        )
        return lambda: asdict(pipeline.run(asked))
    if options.what == "idle":
        return lambda: asdict(idle.run(options.seconds))
    if options.what == "report":
        return lambda: asdict(report.run())
    if options.what == "coverage":
        return lambda: asdict(coverage.run())
    return {"journal": parts.journal, "rules": parts.rules, "store": parts.store}[options.what]


def summary(runs: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(median, [lowest, highest]) of each figure over the runs."""
    figures = [key for key, value in runs[0].items() if isinstance(value, int | float)]
    columns = {key: [run[key] for run in runs] for key in figures}
    median = {key: statistics.median(column) for key, column in columns.items()}
    return median, {key: [min(column), max(column)] for key, column in columns.items()}


def _line(run: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_shown(value)}" for key, value in run.items())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + _line(value) + ")"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
