"""Findings: answers that say something is wrong become work orders at the one desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import CheckSpec, Priority, Text
from caretaker.domain.people import Person
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.findings import Finding, Outcome, outcome
from caretaker.domain.rounds.scans import Scan
from caretaker.ports import UnitOfWork
from caretaker.services.desk import open_for_finding

_RANK = {priority: rank for rank, priority in enumerate(Priority)}


def open_findings(
    unit: UnitOfWork,
    estate: Estate,
    scan: Scan,
    checkpoint: Checkpoint,
    checks: Sequence[CheckSpec],
    person: Person,
    at_ns: int,
    now_ns: int,
) -> Sequence[Finding]:
    """A finding and its order for each answer that is not ok, inside the caller's transaction.

    A marked scan opens them too: a broken lift does not wait for the question who really stood before it.
    """
    asked = {check.id: check for check in checks}
    found: list[Finding] = []
    for answer in scan.answers:
        check = asked.get(answer.check)
        if check is None or outcome(check, answer) is not Outcome.NOT_OK:
            continue
        fault = check.fault or f"check:{check.id}"[:64]
        finding = Finding(
            id=f"{scan.id}/{check.id}",
            site=scan.site,
            scan=scan.id,
            round=scan.round,
            checkpoint=checkpoint.id,
            check=check.id,
            asset=checkpoint.asset,
            space=checkpoint.space,
            fault=fault,
            answer=answer,
            priority=priority_of(estate, checkpoint.asset, fault),
            person=person.id,
            at_ns=at_ns,
        )
        order = open_for_finding(
            unit, replace(finding, person=person.name), title_of(estate, checkpoint, check), now_ns
        )
        finding = replace(finding, work_order=order.id)
        if unit.findings.add(finding):
            found.append(finding)
            unit.outbox.add(
                f"finding.opened:{finding.id}"[:160],
                "finding.opened",
                now_ns,
                finding_facts(finding, checkpoint, check),
            )
    return found


def priority_of(estate: Estate, asset: str | None, fault: str) -> Priority:
    """The gravest that a rule of this asset gives the fault, else medium."""
    rules = estate.rules_of(asset) if asset is not None and asset in estate.assets else ()
    known = [rule.priority for rule in rules if rule.fault == fault]
    return min(known, key=_RANK.__getitem__, default=Priority.MEDIUM)


def title_of(estate: Estate, checkpoint: Checkpoint, check: CheckSpec) -> Text:
    """What the order is called: the thing, then what is wrong with it."""
    asset = estate.assets.get(checkpoint.asset) if checkpoint.asset else None
    what = asset.title if asset is not None else checkpoint.title
    fault = estate.kind_of(asset.id).failure_modes.get(check.fault or "") if asset is not None else None
    wrong = fault or Text(f"巡检异常：{check.ask.zh}", f"found in inspection: {check.ask.en}")
    return Text(f"{what.zh} {wrong.zh}", f"{what.en}: {wrong.en}")


def finding_facts(finding: Finding, checkpoint: Checkpoint, check: CheckSpec) -> dict[str, object]:
    """What a notice about a finding says."""
    return {
        "finding": finding.id,
        "site": finding.site,
        "scan": finding.scan,
        "round": finding.round,
        "checkpoint": finding.checkpoint,
        "title": {"zh": checkpoint.title.zh, "en": checkpoint.title.en},
        "ask": {"zh": check.ask.zh, "en": check.ask.en},
        "asset": finding.asset,
        "fault": finding.fault,
        "value": finding.answer.value,
        "unit": check.unit,
        "reason": finding.answer.reason,
        "photos": list(finding.answer.photos),
        "priority": str(finding.priority),
        "person": finding.person,
        "work_order": finding.work_order,
    }
