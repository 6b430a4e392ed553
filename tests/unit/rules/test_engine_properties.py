"""The same journal gives the same transitions, however it is cut, ticked, crashed and resumed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.domain.equipment import Op, RuleSpec, Term
from caretaker.domain.rules.engine import RuleEngine
from caretaker.domain.rules.types import Transition
from tests.unit.rules.small import S, above, readings, rule, small_estate

RULES: tuple[RuleSpec, ...] = (
    rule("limit", above(deadband=2, value=5), on_delay_s=3, off_delay_s=2),
    rule("now", above(value=7, deadband=0)),
    rule("low", Term("q", Op.BELOW, value=3, deadband=1), on_delay_s=2),
    rule("both", above(value=4, deadband=1), Term("q", Op.IS, value=5), on_delay_s=1),
    rule("any", Term("p", Op.IN, values=(1, 9)), Term("q", Op.IS_NOT, value=5), any_of=True, off_delay_s=4),
    rule("gated", above(value=3), unless=(Term("r", Op.IS, value=1), Term("q", Op.NOT_IN, values=(2, 3, 4, 5)))),
    rule("rate", Term("p", Op.RISES, value=3, within_s=5, deadband=1), off_delay_s=1),
    rule("drop", Term("q", Op.FALLS, value=4, within_s=3)),
    rule("silent", Term("r", Op.STALE, value=6), on_delay_s=2),
    rule("quiet", Term("q", Op.STALE, value=4)),
    rule("set", Term("p", Op.BELOW, value=-2, deadband=1, relative_to="q"), on_delay_s=2, off_delay_s=1),
)
ESTATE = small_estate(*RULES, assets=2)
LAG = S // 3

fact = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.one_of(st.none(), st.integers(0, 10)), st.sampled_from([0, 0, 0, 1, 4])),
    min_size=1,
    max_size=6,
)
"""One message: points with values (None: bad) and a quality, of one time."""
journal = st.lists(st.tuples(st.sampled_from([-2, 0, 1, 1, 1, 2, 3, 7]), fact), max_size=40)
"""(seconds since the message before; negative: late, message)"""
Message = list[tuple[int, int, int | None, int]]


def messages(drawn: list[tuple[int, dict[int, tuple[int | None, int]]]]) -> list[tuple[int, Message]]:
    """(accepted_ns, rows); the acceptance time never goes back."""
    out, now, newest = [], 100, 100
    for step, rows in drawn:
        now += step
        newest = max(newest, now)
        out.append((newest * S + LAG, [(now, point, value, quality) for point, (value, quality) in rows.items()]))
    return out


def plain(transitions: list[Transition]) -> list[tuple[object, ...]]:
    """What must be equal: everything but the moment it was noticed."""
    return [(t.ref, t.change, t.since_ns, t.at_ns, repr(t.evidence)) for t in transitions]


def straight(records: list[tuple[int, Message]], end_ns: int) -> list[Transition]:
    """Record by record, without ticks."""
    engine = RuleEngine(ESTATE)
    engine.advance(100 * S)
    out = [t for accepted, rows in records for t in engine.evaluate(readings(*rows), accepted)]
    return out + engine.advance(end_ns)


@settings(max_examples=150, deadline=None)
@given(journal, st.lists(st.integers(0, 3 * S), max_size=40), st.sets(st.integers(0, 60)))
def test_ticks_and_crashes_change_nothing(
    drawn: list[tuple[int, dict[int, tuple[int | None, int]]]], ticks: list[int], crashes: set[int]
) -> None:
    """Ticks between records and restarts from a snapshot give the very same transitions with the same times."""
    records = messages(drawn)
    end = (records[-1][0] if records else 100 * S) + 30 * S

    engine, out = RuleEngine(ESTATE), []
    engine.advance(100 * S)
    for number, (accepted, rows) in enumerate(records):
        if number < len(ticks):
            before = records[number - 1][0] if number else 100 * S
            out += engine.advance(min(before + ticks[number], accepted))
        if number in crashes:
            saved, engine = engine.snapshot(), RuleEngine(ESTATE)
            engine.restore(saved)
        out += engine.evaluate(readings(*rows), accepted)
    out += engine.advance(end)

    assert plain(out) == plain(straight(records, end))


@settings(max_examples=150, deadline=None)
@given(journal, st.integers(2, 30))
def test_how_records_are_cut_changes_nothing(
    drawn: list[tuple[int, dict[int, tuple[int | None, int]]]], size: int
) -> None:
    """Messages accepted together give the same transitions in one batch or one by one.

    Messages of one time are one fact when they come together, so here each has a time of its own.
    """
    records = messages([(step or 1, rows) for step, rows in drawn])
    groups = [records[at : at + size] for at in range(0, len(records), size)]
    end = (records[-1][0] if records else 100 * S) + 30 * S
    together, apart = RuleEngine(ESTATE), RuleEngine(ESTATE)
    together.advance(100 * S)
    apart.advance(100 * S)
    one: list[Transition] = []
    many: list[Transition] = []
    for group in groups:
        accepted = group[-1][0]
        one += together.evaluate(readings(*(row for _, rows in group for row in rows)), accepted)
        many += [t for _, rows in group for t in apart.evaluate(readings(*rows), accepted)]
    one += together.advance(end)
    many += apart.advance(end)

    for ref in together.refs():
        assert plain([t for t in one if t.ref == ref]) == plain([t for t in many if t.ref == ref])
