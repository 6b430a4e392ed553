"""A stretch of invented rounds in the database: walked, missed, late, marked, with findings, photos and repairs."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from PIL import Image

from caretaker.catalog import read_kinds, read_people, read_rounds, read_site
from caretaker.config import ROOT
from caretaker.domain.assets import Estate
from caretaker.domain.equipment import CheckSpec, CheckType
from caretaker.domain.people import Person, Role
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.plans import RoundPlan
from caretaker.domain.rounds.rounds import SECOND, Round, make, opened, passed, scanned
from caretaker.domain.rounds.scans import Answer, Doubt, Reason, Scan, TokenType, Verdict
from caretaker.domain.work_orders import OrderAction
from caretaker.ports import Transactions, UnitOfWork
from caretaker.ports.photos import PhotoFiles
from caretaker.ports.rounds import Decision
from caretaker.recurrence import occurrences, stamp
from caretaker.services import checkpoints, staff
from caretaker.services.findings import open_findings
from caretaker.services.scans import checks_at
from caretaker.services.work_orders import Deed, step

HOUR = 3600 * SECOND
WRONG = ("指示灯不亮", "地面有积水，已放警示牌", "门锁松动，关不严", "有异响，已通知值班", "灭火器压力不足")
DONE = ("已更换并试机正常", "已紧固，观察两天", "已清理", "已更换灭火器")


@dataclass
class Month:
    """What was written, to be compared with what a report says."""

    walks: int = 0
    visits: int = 0
    scans: int = 0
    findings: int = 0
    marked: int = 0
    photos: int = 0


class Inventor:
    """Writes rounds; the same seed writes the same."""

    def __init__(self, estate: Estate, photos: PhotoFiles | None, seed: int = 1) -> None:
        self._estate, self._files, self._chance = estate, photos, random.Random(seed)
        self.told = Month()

    def set_up(self, transactions: Transactions, now_ns: int) -> None:
        """People, places and plans of the demo estate."""
        kinds = read_kinds(ROOT / "equipment")
        rounds = read_rounds(ROOT / "sites" / "demo", read_site(ROOT / "sites" / "demo", kinds), kinds)
        people = read_people(ROOT / "sites" / "demo", self._estate.site.id)
        with transactions.begin() as unit:
            staff.load(unit, people.teams, people.shifts, people.persons, now_ns)
            checkpoints.load(unit, self._estate, rounds.checkpoints, rounds.plans, now_ns)

    def live(
        self, transactions: Transactions, first: date, last: date, *, photos: int = 60, plans: Sequence[str] = ()
    ) -> Month:
        """All rounds of these days, of all plans or of some."""
        with transactions.begin() as unit:
            places = {place.id: place for place in unit.checkpoints.list(self._estate.site.id)}
            walkers = unit.people.persons()
            for plan in unit.round_plans.list(self._estate.site.id):
                if plans and plan.id not in plans:
                    continue
                plan = replace(plan, valid_from=min(plan.valid_from, first))
                team = [person for person in walkers if person.team == plan.team] or walkers
                for start in occurrences(plan, self._estate.site.zone, first, last):
                    walk = make(plan, start, stamp(start, self._estate.site.zone))
                    self._walk(unit, plan, walk, self._chance.choice(team), places, photos)
        return self.told

    def _walk(
        self,
        unit: UnitOfWork,
        plan: RoundPlan,
        walk: Round,
        person: Person,
        places: dict[str, Checkpoint],
        photos: int,
    ) -> None:
        end_ns = walk.ends_ns + round(plan.tolerance_s * SECOND) + 1
        self.told.walks += 1
        self.told.visits += len(walk.visits)
        if self._chance.random() < 0.02:  # nobody came
            unit.rounds.add(passed(plan, walk, end_ns))
            return
        walk = opened(walk, person.id, walk.starts_ns)
        at_ns, step_ns = walk.starts_ns, round(plan.duration_s * SECOND / (len(walk.visits) + 1))
        for visit in walk.visits:
            at_ns += round(step_ns * self._chance.uniform(0.7, 1.05))
            if self._chance.random() < 0.015:
                continue
            place = places[visit.checkpoint]
            scan, verdict = self._scan(walk, place, person, at_ns, photos)
            unit.scans.add(scan)
            unit.scans.judge(scan.id, verdict, place.id, visit.sequence)
            self.told.scans += 1
            if verdict.suspicious:
                self.told.marked += 1
                if self._chance.random() < 0.6:
                    said = Decision(self._chance.random() < 0.8, "zhao-gang", at_ns + HOUR, "已电话核实")
                    unit.scans.decide(scan.id, said)
            walk = scanned(plan, walk, visit.sequence, scan.id, at_ns, partly=False, now_ns=at_ns)
            checks = checks_at(self._estate, place)
            for finding in open_findings(unit, self._estate, scan, place, checks, person, at_ns, at_ns):
                self.told.findings += 1
                if finding.work_order is not None:
                    self._mend(unit, finding.work_order, at_ns)
        unit.rounds.add(passed(plan, walk, end_ns))

    def _scan(self, walk: Round, place: Checkpoint, person: Person, at_ns: int, photos: int) -> tuple[Scan, Verdict]:
        answers = [self._answer(check, photos) for check in checks_at(self._estate, place)]
        doubts = []
        if self._chance.random() < 0.01:
            doubts = [Doubt(self._chance.choice((Reason.TOO_FAST, Reason.CLOCK_TAMPERED, Reason.CONTRADICTED)), {})]
        by_hand = self._chance.random() < 0.02
        if by_hand:
            doubts.append(Doubt(Reason.MANUAL_CODE, {}))
        shas = tuple(sha for answer in answers for sha in answer.photos)
        scan = Scan(
            id=f"{walk.id}-{place.id}-{self.told.scans}"[-64:],
            site=walk.site,
            person=person.id,
            phone="ph-1",
            token=place.short_code,
            token_type=TokenType.MANUAL if by_hand else TokenType.PRINTED,
            device_ns=at_ns,
            monotonic_ms=0.0,
            boot="b",
            counter=self.told.scans + 1,
            previous="",
            signature="",
            round=walk.id,
            checkpoint=place.id,
            answers=tuple(answers),
            photos=shas,
            received_ns=at_ns,
        )
        suspicious = any(doubt.reason is not Reason.MANUAL_CODE for doubt in doubts)
        return scan, Verdict(True, suspicious, 0.4 if suspicious else 0.95, at_ns, tuple(doubts))

    def _answer(self, check: CheckSpec, photos: int) -> Answer:
        if self._chance.random() > 0.01:
            value = sum(check.limits) / 2 if check.type is CheckType.NUMBER and check.limits else None
            return Answer(check.id, "ok", value)
        value = check.limits[1] * 1.2 + 1 if check.type is CheckType.NUMBER and check.limits else None
        shown: tuple[str, ...] = ()
        if self.told.photos < photos:
            shown = tuple(self._photo() for _ in range(min(self._chance.choice((1, 1, 2)), photos - self.told.photos)))
        return Answer(check.id, "not_ok", value, self._chance.choice(WRONG), shown)

    def _photo(self) -> str:
        """A picture that no other is like, with something to see."""
        rng = np.random.default_rng(self.told.photos)
        tile = rng.integers(40, 220, (12, 16, 3), np.uint8)
        picture = Image.fromarray(tile).resize((1280, 960), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=85)
        sha = hashlib.sha256(out.getvalue()).hexdigest()
        if self._files is not None:
            self._files.write(sha, out.getvalue())
        self.told.photos += 1
        return sha

    def _mend(self, unit: UnitOfWork, order_id: str, at_ns: int) -> None:
        order = unit.work_orders.get(order_id)
        if order.state != "open" or self._chance.random() < 0.2:
            return
        chief = Person("zhao-gang", "赵刚", Role.ADMIN)
        order = step(unit, order, Deed(OrderAction.ASSIGN, assignee="王海涛"), chief, at_ns + HOUR // 4)
        order = step(unit, order, Deed(OrderAction.START), chief, at_ns + HOUR)
        if self._chance.random() < 0.85:
            took = round(self._chance.uniform(0.5, 8) * HOUR)
            done = Deed(OrderAction.COMPLETE, comment=self._chance.choice(DONE))
            order = step(unit, order, done, chief, at_ns + HOUR + took)
            if self._chance.random() < 0.8:
                step(unit, order, Deed(OrderAction.CLOSE), chief, at_ns + 2 * HOUR + took)
