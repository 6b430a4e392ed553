"""The inspection report as PDF: one page to sign, then what was found, repaired, missed and marked, then every round."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Final

from PIL import Image

from api.paper.flow import CELL, FULL, LEFT, NOTE, RIGHT, STRONG, Column, Flow
from api.paper.sheet import GREY, HEIGHT, INK, LINE, Sheet, Type
from api.paper.text import Tongue
from api.words import Language
from api.words_report import ORDERS, PRIORITIES, SAID, TOKENS
from api.words_rounds import REASONS, ROUNDS, VISITS
from caretaker.domain.errors import NotFound
from caretaker.domain.reports import Found, InspectionReport, Marked, Stop, Walk
from caretaker.domain.rounds.rounds import RoundState, VisitState
from caretaker.domain.rounds.scans import Reason, TokenType

ReadPhoto = Callable[[str], bytes]
"""JPEG by its hash. Raises NotFound when it has not arrived."""
THUMB_PIXELS: Final = 420
_THUMB_W, _THUMB_H, _THUMBS = 43.0, 32.0, 4
_REASON: Final = 12
"""Lines of what somebody wrote about a finding."""
_STOPS: Final = (6.0, 35.0, 14.0, 35.0)
"""Number, point, time and what became of it; twice in a row."""
_PLANS: Final = 10
"""So many plans have room on the first page."""
_TILE: Final = 23.5
_TITLE = Type(8.0, bold=True)
_SITE = Type(4.2)
_BIG = Type(6.4, bold=True)
_LABEL = Type(2.8)
_TELL = Type(2.5, colour=GREY)


def report_pdf(report: InspectionReport, language: Language, photo: ReadPhoto) -> bytes:
    """The document."""
    say = Tongue(language, report.site.zone)
    title = f"{say(report.site.title)} {say(SAID['title'])}"
    flow = Flow(Sheet(title, language))
    _Writer(report, say, flow, photo).write()
    return flow.finish(
        f"{title} · {_period(report, say)}",
        say(SAID["proof"]),
        lambda page, pages: say(SAID["page"]).format(page=page, pages=pages),
    )


def thumbnail(jpeg: bytes) -> bytes:
    """Small enough that sixty of them can be sent by mail."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.draft("RGB", (THUMB_PIXELS, THUMB_PIXELS))
        picture.thumbnail((THUMB_PIXELS, THUMB_PIXELS))
        out = io.BytesIO()
        picture.convert("RGB").save(out, "JPEG", quality=72)
    return out.getvalue()


def value_of(found: Found, say: Tongue) -> str:
    """What was measured or said, with its unit."""
    value = found.answer.value
    if value is None or isinstance(value, bool):
        return ""
    return f"{say.number(value)} {found.unit}".strip() if isinstance(value, int | float) else value


def note_of(stop: Stop, say: Tongue) -> str:
    """What else is to be said of a visit."""
    notes = [say(REASONS[reason]) for reason in stop.doubts if reason not in _SAID_BY_STATE]
    if stop.token is TokenType.MANUAL and Reason.MANUAL_CODE not in stop.doubts:
        notes.append(say(TOKENS[TokenType.MANUAL]))
    if stop.partly and Reason.SKIPPED_CHECKS not in stop.doubts:
        notes.append(say(SAID["is_partly"]))
    return ("；" if say.language == "zh" else "; ").join(notes)


_SAID_BY_STATE: Final = frozenset({Reason.EARLY, Reason.LATE, Reason.OUT_OF_ORDER})


def decision_of(scan: Marked, say: Tongue) -> str:
    """Who said what of a marked scan."""
    if scan.accepted is None:
        return say(SAID["undecided"])
    what = say(SAID["accepted" if scan.accepted else "rejected"])
    return say(SAID["by"]).format(what=what, who=scan.decided_by)


def doubts_of(scan: Marked, say: Tongue) -> str:
    """Why a scan was marked."""
    return ("；" if say.language == "zh" else "; ").join(say(REASONS[reason]) for reason in scan.doubts)


def _period(report: InspectionReport, say: Tongue) -> str:
    return say(SAID["period"]).format(first=say.day(report.scope.first), last=say.day(report.scope.last))


class _Writer:
    """Section by section."""

    def __init__(self, report: InspectionReport, say: Tongue, flow: Flow, photo: ReadPhoto) -> None:
        self._report, self._say, self._flow, self._photo = report, say, flow, photo
        self._sheet = flow.sheet

    def write(self) -> None:
        self._front()
        self._flow.y = HEIGHT  # the first page stands alone
        if len(self._report.plans) > _PLANS:
            self._flow.heading(self._say(SAID["by_plan"]), least=30)
            self._plans()
        self._findings()
        self._repairs()
        self._missed()
        self._marked()
        self._rounds()

    # ---- the first page

    def _front(self) -> None:
        report, say, sheet, flow = self._report, self._say, self._sheet, self._flow
        flow.y = 22.0
        sheet.text(LEFT, flow.y, say(report.site.title), _SITE)
        flow.y += 7.5
        sheet.text(LEFT, flow.y, say(SAID["title"]), _TITLE)
        flow.y += 13.5
        for label, value in (
            (None, _period(report, say)),
            ("plan", say(report.plan, say(SAID["all_plans"]))),
            ("team", say(report.team, say(SAID["all_teams"]))),
        ):
            colon = "：" if say.language == "zh" else ": "
            said = value if label is None else f"{say(SAID[label])}{colon}{value}"
            flow.say(said, Type(3.4))
            flow.y += 0.6
        made = say(SAID["made"]).format(at=say.at(report.made_ns, year=True), who=report.made_by)
        flow.say(made, NOTE)
        flow.y += 6
        sheet.rule(LEFT, flow.y, RIGHT, flow.y, INK, 0.3)
        flow.y += 5
        self._tiles()
        if len(self._report.plans) <= _PLANS:
            self._plans()
        self._sign()

    def _tiles(self) -> None:
        say, sheet, flow, sums = self._say, self._sheet, self._flow, self._report.figures
        visits, rounds = sums.visits, sums.rounds
        tiles: list[tuple[str, str, str, dict[str, object]]] = [
            (
                "rounds",
                str(sum(rounds.values()) - rounds[RoundState.CANCELLED]),
                "finished",
                {
                    "n": rounds[RoundState.FINISHED],
                    "part": rounds[RoundState.INCOMPLETE],
                    "missed": rounds[RoundState.MISSED],
                },
            ),
            ("visits", str(sums.made), "of_due", {"due": sums.due, "share": say.share(sums.complete)}),
            (
                "punctual",
                say.share(sums.punctual),
                "times",
                {
                    "early": visits[VisitState.EARLY],
                    "late": visits[VisitState.LATE],
                    "order": visits[VisitState.OUT_OF_ORDER],
                },
            ),
            ("missed", str(visits[VisitState.MISSED]), "partly", {"n": sums.partly}),
            ("findings", str(sums.findings), "with_photos", {"n": sums.photos}),
            ("repairs", str(sums.orders), "repaired", {"done": sums.repaired, "late": sums.overdue}),
            ("repair_time", say.lasts(sums.repair_ns), "opened_to_done", {}),
            ("marked", str(sums.marked), "decided", {"open": sums.undecided, "rejected": sums.rejected}),
            ("manual", str(sums.manual), "of_scans", {"n": sums.scans}),
        ]
        if sums.score is not None:
            tiles.append(("score", f"{sums.score:.1f}", "score_of", {}))
        across, step = 3, FULL / 3
        for at, (label, figure, told, facts) in enumerate(tiles):
            x, y = LEFT + at % across * step, flow.y + at // across * _TILE
            sheet.text(x, y, say(SAID[label]), _LABEL)
            sheet.text(x, y + 4.8, figure or "–", _BIG)
            lines = sheet.wrap(say(SAID[told]).format(**facts), step - 4, _TELL, 2)
            sheet.lines(x, y + 14.2, lines, _TELL)
        flow.y += -(-len(tiles) // across) * _TILE

    def _plans(self) -> None:
        say = self._say
        if not self._report.plans:
            return
        columns = [self._column("plan", 60)]
        columns += [
            Column(say(SAID[word]), 20, right=True)
            for word in ("rounds", "all_done", "due_points", "done", "missed", "punctual")
        ]
        rows = [
            (
                say(sums.plan),
                str(sums.rounds),
                str(sums.finished),
                str(sums.due),
                str(sums.made),
                str(sums.missed),
                say.share(sums.on_time / sums.made if sums.made else None),
            )
            for sums in self._report.plans
        ]
        self._flow.table(columns, rows)

    def _sign(self) -> None:
        """Lines to sign on, at the foot of the first page."""
        step = FULL / 3
        y = HEIGHT - 42
        for at, who in enumerate(("signed_guard", "signed_check", "signed_manager")):
            x = LEFT + at * step
            self._sheet.rule(x, y, x + step - 6, y, INK, 0.25)
            self._sheet.text(x, y + 1.5, self._say(SAID[who]), NOTE)
            self._sheet.rule(x, y + 15, x + step - 6, y + 15, INK, 0.25)
            self._sheet.text(x, y + 16.5, self._say(SAID["date"]), NOTE)

    # ---- what was found and mended

    def _findings(self) -> None:
        self._flow.heading(self._say(SAID["findings"]), least=50)
        if not self._report.found:
            self._flow.say(self._say(SAID["no_findings"]), NOTE)
        for number, found in enumerate(self._report.found, start=1):
            self._finding(number, found)

    def _finding(self, number: int, found: Found) -> None:
        say, flow, sheet = self._say, self._flow, self._sheet
        place = say(found.place)
        title = f"{number}. {say(found.title)}" + (f" · {place}" if place and place != say(found.title) else "")
        facts = [say(found.ask), value_of(found, say)]
        if found.limits is not None:
            low, high = found.limits
            facts.append(say(SAID["limits"]).format(low=say.number(low), high=say.number(high)))
        told = [part for part in facts if part]
        body = sheet.wrap(("，" if say.language == "zh" else ", ").join(told), FULL - 5, CELL, _REASON)
        if found.answer.reason:
            body += sheet.wrap(found.answer.reason, FULL - 5, CELL, _REASON)
        foot = say(SAID["found_by"]).format(at=say.at(found.at_ns, year=True), who=found.person)
        foot += f" · {say(PRIORITIES[found.priority])}"
        if found.order is not None:
            foot += f" · {say(SAID['order'])} {found.order}"
        pictures = found.photos[:_THUMBS]
        flow.room(STRONG.leading * 2 + len(body) * CELL.leading + (_THUMB_H + 3 if pictures else 0) + 4)
        flow.say(title, STRONG)
        flow.y += sheet.lines(LEFT + 5, flow.y, body, CELL)
        sheet.text(LEFT + 5, flow.y, foot, NOTE)
        flow.y += NOTE.leading + 1
        if pictures:
            self._pictures(pictures, len(found.photos))
        flow.y += 1.5
        sheet.rule(LEFT, flow.y, RIGHT, flow.y, LINE, 0.1)
        flow.y += 2

    def _pictures(self, shas: Sequence[str], count: int) -> None:
        x, y = LEFT + 5, self._flow.y
        for sha in shas:
            try:
                self._sheet.picture(x, y, _THUMB_W - 2, _THUMB_H, thumbnail(self._photo(sha)))
            except NotFound:
                self._sheet.block(x, y, _THUMB_W - 2, _THUMB_H, (240, 242, 244))
                self._sheet.text(x + 2, y + _THUMB_H / 2 - 2, self._say(SAID["photo_gone"]), NOTE)
            x += _THUMB_W
        self._flow.y += _THUMB_H + 1
        if count > len(shas):
            more = self._say(SAID["more_photos"]).format(n=count - len(shas))
            self._flow.say(more, NOTE, indent=5)

    def _repairs(self) -> None:
        say = self._say
        self._flow.heading(say(SAID["repairs"]), least=30)
        if not self._report.repairs:
            self._flow.say(say(SAID["no_repairs"]), NOTE)
            return
        columns = [
            self._column("order", 27),
            self._column("what", 50),
            self._column("state", 17),
            self._column("opened", 20),
            self._column("completed", 20),
            self._column("assignee", 18),
            self._column("told", 28),
        ]
        rows = [
            (
                order.id,
                say(order.title),
                say(ORDERS[order.state]),
                say.at(order.opened_ns),
                say.at(order.completed_ns),
                order.assignee or "",
                order.told or "",
            )
            for order in self._report.repairs
        ]
        self._flow.table(columns, rows, strong=2)

    # ---- what is missing and what is doubted

    def _missed(self) -> None:
        say = self._say
        self._flow.heading(say(SAID["missed_list"]), least=30)
        missed = self._report.missed
        if not missed:
            self._flow.say(say(SAID["no_missed"]), NOTE)
            return
        columns = [
            self._column("window", 34),
            self._column("point", 52),
            self._column("round", 62),
            self._column("person", 32),
        ]
        rows = [
            (
                f"{say.at(stop.opens_ns)} – {say.clock(stop.closes_ns)}",
                say(stop.title),
                f"{say(walk.plan)} {say.at(walk.starts_ns)}",
                self._whose(walk),
            )
            for walk, stop in missed
        ]
        self._flow.table(columns, rows, strong=1)

    def _marked(self) -> None:
        say = self._say
        self._flow.heading(say(SAID["marked"]), least=30)
        if not self._report.marked:
            self._flow.say(say(SAID["no_marked"]), NOTE)
            return
        columns = [
            self._column("at", 20),
            self._column("point", 40),
            self._column("person", 20),
            self._column("doubts", 56),
            self._column("decision", 44),
        ]
        rows = [
            (
                say.at(scan.at_ns),
                say(scan.title),
                scan.person,
                doubts_of(scan, say),
                "\n".join(part for part in (decision_of(scan, say), scan.comment) if part),
            )
            for scan in self._report.marked
        ]
        self._flow.table(columns, rows)

    # ---- every round

    def _rounds(self) -> None:
        self._flow.heading(self._say(SAID["rounds_list"]), least=40)
        if not self._report.walks:
            self._flow.say(self._say(SAID["no_rounds"]), NOTE)
        for walk in self._report.walks:
            self._round(walk)

    def _round(self, walk: Walk) -> None:
        """Two stops beside each other: a month has thousands."""
        say, flow, sheet = self._say, self._flow, self._sheet
        flow.room(22)
        score = "" if walk.score is None else f" · {say(SAID['score'])} {walk.score:.1f}"
        tail = f"{say(ROUNDS[walk.state])} · {walk.done}/{len(walk.stops)}{score}"
        sheet.text_right(RIGHT, flow.y, tail, STRONG)
        sheet.text(LEFT, flow.y, say(walk.plan), STRONG)
        after = LEFT + sheet.width(say(walk.plan), STRONG) + 3
        when = f"{say.at(walk.starts_ns, year=True)} – {say.clock(walk.ends_ns)}"
        told = " · ".join(part for part in (when, self._whose(walk)) if part)
        room = RIGHT - after - sheet.width(tail, STRONG) - 4
        sheet.text(after, flow.y, sheet.wrap(told, room, NOTE, 1)[0], NOTE)
        flow.y += STRONG.leading + 0.8
        sheet.rule(LEFT, flow.y, RIGHT, flow.y, INK, 0.2)
        if walk.ended_early:
            flow.say(say(SAID["ended_early"]).format(reason=walk.ended_early), NOTE)
        half = (len(walk.stops) + 1) // 2
        columns = [Column("", width) for width in _STOPS * 2]
        nothing = ("",) * len(_STOPS)
        rows = [
            self._stop(walk, walk.stops[row])
            + (self._stop(walk, walk.stops[half + row]) if half + row < len(walk.stops) else nothing)
            for row in range(half)
        ]
        flow.rows(columns, rows)
        flow.y += 3.5

    def _stop(self, walk: Walk, stop: Stop) -> tuple[str, ...]:
        say = self._say
        notes = [say(VISITS[stop.state])]
        if stop.person not in (None, walk.person):
            notes.append(stop.person or "")
        if (stop.opens_ns, stop.closes_ns) != (walk.starts_ns, walk.ends_ns) and stop.state is not VisitState.ON_TIME:
            notes.append(say(SAID["was_due"]).format(first=say.clock(stop.opens_ns), last=say.clock(stop.closes_ns)))
        notes.append(note_of(stop, say))
        told = ("；" if say.language == "zh" else "; ").join(note for note in notes if note)
        return str(stop.sequence), say(stop.title), say.near(stop.scanned_ns, walk.starts_ns), told

    def _whose(self, walk: Walk) -> str:
        return walk.person or self._say(walk.team)

    def _column(self, word: str, width: float) -> Column:
        return Column(self._say(SAID[word]), width)
