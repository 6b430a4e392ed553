"""The engine's state as bytes, kept by the names of points and rules so that it survives a changed rule set."""

from __future__ import annotations

import json
from collections import deque
from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from caretaker.domain.rules.program import Judgement, Program
from caretaker.domain.rules.terms import NEVER, Comparison

VERSION = 2
_COLUMNS = ("at", "value", "quality", "fresh", "known")
_NONE = -NEVER


def _terms(user: Judgement) -> tuple[Comparison, ...]:
    return (*user.terms, *user.gates)


def dump(program: Program) -> bytes:
    """Points by id; judgements by asset, rule and fingerprint; truths in the order of their terms."""
    users = program.judgements
    terms = [term for user in users for term in _terms(user)]
    anchors = [anchor for term in terms for anchor in term.anchors]
    head = {"version": VERSION, "judgements": [[user.ref.asset, user.ref.rule, user.fingerprint] for user in users]}
    file = BytesIO()
    np.savez(
        file,
        head=np.frombuffer(json.dumps(head).encode(), np.uint8),
        ids=program.table.ids,
        **{name: getattr(program.table, name) for name in _COLUMNS},
        active=np.array([user.active for user in users], np.bool_),
        since=np.array([_NONE if user.since_ns is None else user.since_ns for user in users], np.int64),
        accepted=np.array([user.since_accepted_ns for user in users], np.int64),
        changed=np.array([user.changed_ns for user in users], np.int64),
        truths=np.array([term.truth for term in terms], np.int8),
        held=np.array([term.held for term in terms], np.bool_),
        counts=np.array([len(_terms(user)) for user in users], np.int64),
        anchors=np.array([len(term.anchors) for term in terms], np.int64),
        anchor_at=np.array([at for at, _ in anchors], np.int64),
        anchor_value=np.array([value for _, value in anchors], np.float64),
    )
    return file.getvalue()


def load(program: Program, data: bytes) -> None:
    """Put a dumped state into a freshly compiled program. Raises ValueError for bytes that are no snapshot."""
    try:
        with np.load(BytesIO(data), allow_pickle=False) as columns:
            saved = {name: columns[name] for name in columns.files}
        head = json.loads(saved["head"].tobytes())
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as wrong:
        raise ValueError(f"these {len(data)} bytes are no rule snapshot: {wrong}") from wrong
    if head["version"] != VERSION:
        raise ValueError(f"rule snapshot version {head['version']}, this program reads {VERSION}")
    _points(program, saved)
    users = {(user.ref.asset, user.ref.rule, user.fingerprint): user for user in program.judgements}
    starts = _starts(saved["counts"])
    firsts, ats, values = _starts(saved["anchors"]), saved["anchor_at"].tolist(), saved["anchor_value"].tolist()
    for number, key in enumerate(head["judgements"]):
        user = users.get(tuple(key))
        if user is None:
            continue
        since = int(saved["since"][number])
        user.active = bool(saved["active"][number])
        user.since_ns = None if since == _NONE else since
        user.since_accepted_ns = int(saved["accepted"][number])
        user.changed_ns = int(saved["changed"][number])
        user.due_ns = NEVER if user.since_ns is None else user.since_ns + user.delay_ns
        mine = slice(starts[number], starts[number + 1])
        truths, held = saved["truths"][mine].tolist(), saved["held"][mine].tolist()
        for index, term in enumerate(_terms(user)):
            term.truth, term.held = truths[index], held[index]
            kept = slice(firsts[starts[number] + index], firsts[starts[number] + index + 1])
            term.anchors = deque(zip(ats[kept], values[kept], strict=True))


def _starts(counts: np.ndarray) -> list[int]:
    """Where each group begins, and where the last one ends."""
    found: list[int] = np.concatenate(([0], np.cumsum(counts))).tolist()
    return found


def _points(program: Program, saved: dict[str, np.ndarray]) -> None:
    table = program.table
    _, mine, theirs = np.intersect1d(table.ids[1:], saved["ids"][1:], return_indices=True)
    for name in _COLUMNS:
        getattr(table, name)[mine + 1] = saved[name][theirs + 1]
