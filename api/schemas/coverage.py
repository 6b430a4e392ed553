"""Coverage of points, statistics of plans and people as JSON."""

from __future__ import annotations

from api.schemas.common import Shape, Words


class CoverageRow(Shape):
    """One point. `planned`, `made`, `missed`: visits by the local hour in which their window opens (planned = made + missed
    + still due); `seen`: visits made by the local hour of the scan.

    gap_from_ms, gap_to_ms  the longest time without a visit; the edges of the stretch count as visits
    allowed_ms              the longest time without one that the plans allow; None: no plan goes here
    """

    checkpoint: str
    title: Words
    planned: list[int]
    made: list[int]
    missed: list[int]
    seen: list[int]
    last_ms: int | None
    gap_from_ms: int
    gap_to_ms: int
    allowed_ms: int | None


class Coverage(Shape):
    """By how far the longest gap goes beyond what the plans allow, the worst first."""

    from_ms: int
    to_ms: int
    items: list[CoverageRow]


class StopRow(Shape):
    """One visit of a point, made or not."""

    round: str
    title: Words
    sequence: int
    opens_ms: int
    closes_ms: int
    state: str
    scan: str | None
    scanned_ms: int | None
    person: str | None
    person_name: str | None


class StopList(Shape):
    """Newest first."""

    items: list[StopRow]


class WeekRow(Shape):
    """Rounds of a plan that began in the week of this local Monday, by state."""

    day: str
    rounds: dict[str, int]


class StatisticsRow(Shape):
    """Of one plan or one person. `punctual`: share of the visits that were done on time, None without any.

    pace_s  median seconds from one stop to the next within a round
    weeks   plans only, oldest first
    score   scored plans only: the mean percent of the rounds that have one
    """

    id: str
    title: Words
    rounds: dict[str, int]
    visits: dict[str, int]
    partly: int
    scans: int
    marked: int
    manual: int
    findings: int
    punctual: float | None
    pace_s: float | None
    weeks: list[WeekRow]
    score: float | None


class Statistics(Shape):
    """Over the rounds that start in a stretch of days."""

    from_ms: int
    to_ms: int
    plans: list[StatisticsRow]
    persons: list[StatisticsRow]
