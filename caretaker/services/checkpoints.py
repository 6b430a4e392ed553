"""Checkpoints and plans: made, changed, read from a site's file. Every change leaves its trace in the audit trail."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from typing import Final

from caretaker.domain.assets import Estate
from caretaker.domain.equipment import CheckSpec
from caretaker.domain.errors import Conflict, NotFound, Refused
from caretaker.domain.people import Person
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.plans import RoundPlan, check, places_of
from caretaker.ports import Transactions, UnitOfWork
from caretaker.recurrence import CHINA, Calendar, parse
from caretaker.services.rounds import make_plan

_TRIES: Final = 50
_CODES: Final = 900_000
FILE: Final = "site file"
"""The actor of what a site's file says."""


def add(transactions: Transactions, estate: Estate, checkpoint: Checkpoint, person: Person, now_ns: int) -> Checkpoint:
    """A new marked place, with a short code of its own. The same again gives back what is there.

    Raises Refused (unknown space, asset, point), Conflict (the id is another place's, the tag is taken).
    """
    check_checkpoint(estate, checkpoint)
    with transactions.begin() as unit:
        made, new = _add(unit, checkpoint)
        if not new:
            if replace(checkpoint, short_code=made.short_code, code_version=made.code_version) == made:
                return made
            raise Conflict(f"there is already a checkpoint {checkpoint.id}", checkpoint=checkpoint.id)
        unit.audit.append(now_ns, person.id, "checkpoint.added", made.id, site=made.site, after=checkpoint_facts(made))
    return made


def change(
    transactions: Transactions, estate: Estate, checkpoint: Checkpoint, person: Person, now_ns: int
) -> Checkpoint:
    """Write everything but the short code and the code's version. Raises NotFound, Refused, Conflict."""
    check_checkpoint(estate, checkpoint)
    with transactions.begin() as unit:
        before = unit.checkpoints.get(checkpoint.site, checkpoint.id)
        after = replace(checkpoint, short_code=before.short_code, code_version=before.code_version)
        if after != before:
            unit.checkpoints.save(after)
            unit.audit.append(
                now_ns,
                person.id,
                "checkpoint.changed",
                after.id,
                site=after.site,
                before=checkpoint_facts(before),
                after=checkpoint_facts(after),
            )
    return after


def reprint(transactions: Transactions, site: str, checkpoint_id: str, person: Person, now_ns: int) -> Checkpoint:
    """Withdraw the sticker: the next one carries a new version and a new short code. Raises NotFound."""
    with transactions.begin() as unit:
        before = unit.checkpoints.get(site, checkpoint_id)
        after = replace(before, code_version=before.code_version + 1, short_code=_free_code(unit, site))
        unit.checkpoints.save(after)
        unit.audit.append(
            now_ns,
            person.id,
            "checkpoint.reprinted",
            after.id,
            site=site,
            before={"code_version": before.code_version},
            after={"code_version": after.code_version},
        )
    return after


def check_checkpoint(estate: Estate, checkpoint: Checkpoint) -> None:
    """Does everything it names exist? Raises Refused naming the field."""
    if checkpoint.space not in estate.spaces:
        raise Refused(f"there is no space {checkpoint.space}", field="space")
    if checkpoint.asset is not None and checkpoint.asset not in estate.assets:
        raise Refused(f"there is no asset {checkpoint.asset}", field="asset")
    for witness in checkpoint.witnesses:
        asset, _, key = witness.removesuffix("!").rpartition(".")
        if (asset, key) not in estate.by_key:
            raise Refused(f"there is no point {witness}; expected asset.point", field="witnesses")
    for item in checkpoint.checks:
        _check_check(estate, checkpoint, item)


def _check_check(estate: Estate, checkpoint: Checkpoint, item: CheckSpec) -> None:
    if item.limits is not None and item.limits[0] >= item.limits[1]:
        raise Refused(f"check {item.id}: the lower limit is not below the upper", field="checks")
    if item.point is None:
        return
    point = estate.by_key.get((checkpoint.asset or "", item.point))
    if point is None:
        raise Refused(f"check {item.id}: {checkpoint.asset or 'a space'} has no point {item.point}", field="checks")
    if item.unit not in ("", point.spec.unit):
        raise Refused(f"check {item.id}: unit {item.unit}, but {item.point} is in {point.spec.unit}", field="checks")


def _add(unit: UnitOfWork, checkpoint: Checkpoint) -> tuple[Checkpoint, bool]:
    try:
        return unit.checkpoints.get(checkpoint.site, checkpoint.id), False
    except NotFound:
        pass
    for _ in range(_TRIES):
        made = replace(checkpoint, short_code=_free_code(unit, checkpoint.site), code_version=0)
        if unit.checkpoints.add(made):
            return made, True
        if made.nfc is not None and unit.checkpoints.find(made.site, nfc=made.nfc) is not None:
            raise Conflict(f"the tag {made.nfc} belongs to another checkpoint", nfc=made.nfc)
    raise Conflict("no free short code was found; try again")


def _free_code(unit: UnitOfWork, site: str) -> str:
    """Six digits nobody at this site has; drawn, so that one code does not tell the next."""
    for _ in range(_TRIES):
        code = str(secrets.randbelow(_CODES) + 100_000)
        if unit.checkpoints.find(site, short_code=code) is None:
            return code
    raise Conflict("this site has nearly used up its short codes")


def checkpoint_facts(checkpoint: Checkpoint) -> dict[str, object]:
    """For the trail: enough to see what changed; never the short code, and of the tag a hash."""
    return {
        "title": checkpoint.title.zh,
        "space": checkpoint.space,
        "asset": checkpoint.asset,
        "checks": [item.id for item in checkpoint.checks],
        "use_kind_checks": checkpoint.use_kind_checks,
        "rotating": checkpoint.rotating,
        "tag": None if checkpoint.nfc is None else sha256(checkpoint.nfc.encode()).hexdigest()[:12],
        "witnesses": list(checkpoint.witnesses),
        "code_version": checkpoint.code_version,
    }


# ---- plans


def check_plan(plan: RoundPlan, known: Collection[str]) -> None:
    """Is it usable? `known`: ids of checkpoints. Raises Refused naming the field."""
    check(plan)
    parse(plan.rrule, plan.valid_from, plan.starts_at)
    if plan.starts_at.second or plan.starts_at.microsecond or plan.starts_at.tzinfo:
        raise Refused("starts_at is a local wall time to the minute", field="starts_at")
    for place in places_of(plan):
        if place not in known:
            raise Refused(f"there is no checkpoint {place}", field="points")
    for row, weight in enumerate(plan.weights):
        if weight.checkpoint is not None and weight.checkpoint not in places_of(plan):
            raise Refused(f"{weight.checkpoint} is no stop of this plan", field=f"weights.{row}")


def add_plan(
    transactions: Transactions, plan: RoundPlan, zone: str, person: Person, now_ns: int, calendar: Calendar = CHINA
) -> RoundPlan:
    """A new plan, with its first rounds. The same again gives back what is there. Raises Refused, Conflict."""
    with transactions.begin() as unit:
        check_plan(plan, {place.id for place in unit.checkpoints.list(plan.site)})
        try:
            standing = unit.round_plans.get(plan.site, plan.id)
        except NotFound:
            standing = None
        if standing is not None:
            if replace(plan, version=standing.version) == standing:
                return standing
            raise Conflict(f"there is already a round plan {plan.id}", plan=plan.id)
        plan = replace(plan, version=1)
        unit.round_plans.keep(plan, now_ns, person.id)
        make_plan(unit, plan, zone, now_ns, calendar)
        unit.audit.append(now_ns, person.id, "plan.added", plan.id, site=plan.site, after=plan_facts(plan))
    return plan


def change_plan(
    transactions: Transactions, plan: RoundPlan, zone: str, person: Person, now_ns: int, calendar: Calendar = CHINA
) -> RoundPlan:
    """A new version of a plan; rounds that have not begun follow it, the others keep theirs.

    `plan.version` is the one the change was made from. Raises Conflict when somebody changed it since, NotFound, Refused.
    """
    with transactions.begin() as unit:
        check_plan(plan, {place.id for place in unit.checkpoints.list(plan.site)})
        before = unit.round_plans.get(plan.site, plan.id)
        if before == replace(plan, version=before.version):
            return before
        after = replace(plan, version=plan.version + 1)
        if before.version != plan.version or not unit.round_plans.keep(after, now_ns, person.id):
            raise Conflict(f"{plan.id} was changed by somebody else meanwhile; look again", plan=plan.id)
        make_plan(unit, after, zone, now_ns, calendar)
        unit.audit.append(
            now_ns,
            person.id,
            "plan.changed",
            plan.id,
            site=plan.site,
            before=plan_facts(before),
            after=plan_facts(after),
        )
    return after


def plan_facts(plan: RoundPlan) -> dict[str, object]:
    """For the trail."""
    return {
        "version": plan.version,
        "title": plan.title.zh,
        "points": list(places_of(plan)),
        "order": str(plan.order),
        "rrule": plan.rrule,
        "starts_at": plan.starts_at.isoformat("minutes"),
        "duration_s": plan.duration_s,
        "tolerance_s": plan.tolerance_s,
        "holidays": str(plan.holidays),
        "team": plan.team,
        "person": plan.person,
        "active": plan.active,
        "valid_until": None if plan.valid_until is None else plan.valid_until.isoformat(),
    }


# ---- from the site's file


def load(
    unit: UnitOfWork, estate: Estate, checkpoints: Collection[Checkpoint], plans: Collection[RoundPlan], now_ns: int
) -> int:
    """What a site's file names and SQL does not know yet, inside the caller's transaction; how many were new.

    What is there stays as people have changed it since: the file is where a site begins, not its master.
    """
    count = 0
    for checkpoint in checkpoints:
        check_checkpoint(estate, checkpoint)
        _, new = _add(unit, checkpoint)
        count += new
    known = {place.id for place in unit.checkpoints.list(estate.site.id)}
    standing = {plan.id for plan in unit.round_plans.list(estate.site.id)}
    for plan in plans:
        if plan.id not in standing:
            check_plan(plan, known)
            count += unit.round_plans.keep(replace(plan, version=1), now_ns, FILE)
    if count:
        unit.audit.append(now_ns, FILE, "rounds.loaded", estate.site.id, site=estate.site.id, after={"new": count})
    return count
