"""Displays: a link made by somebody who may plan, and the code of the moment for whoever holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caretaker.domain.errors import Conflict, NotFound
from caretaker.domain.people import Person
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import SiteKey, token_of
from caretaker.domain.rounds.displays import Standing, held, secret_of, span_of
from caretaker.ports import Transactions, UnitOfWork


@dataclass(frozen=True, slots=True)
class Shown:
    """What the display draws until `ends_ns`; at `void_ns` it must be blank. `link_ends_ns`: the link's own end."""

    place: Checkpoint
    token: str
    ends_ns: int
    void_ns: int
    link_ends_ns: int | None


def make_link(
    transactions: Transactions, site: str, keys: Sequence[SiteKey], checkpoint_id: str, person: Person, now_ns: int
) -> str:
    """The secret of this place's display. The same one until a reprint or a new key, but each time is in the trail.

    Raises NotFound, Conflict (no rotating place).
    """
    with transactions.begin() as unit:
        place = unit.checkpoints.get(site, checkpoint_id)
        _must_rotate(place)
        facts: dict[str, object] = {"code_version": place.code_version, "key": keys[0].id}
        unit.audit.append(now_ns, person.id, "display.linked", place.id, site=site, after=facts)
    return secret_of(keys[0], place)


def code_now(
    unit: UnitOfWork, site: str, keys: Sequence[SiteKey], checkpoint_id: str, secret: str, now_ns: int
) -> Shown:
    """The code of this moment.

    Raises NotFound: `display_unknown`, the same for a wrong secret and for a place that does not exist, and
    `display_withdrawn` for a secret that was right once; Conflict (`display_off`) when the place rotates no more.
    """
    unknown = NotFound("this display link was not made here, or a part of it is missing", code="display_unknown")
    try:
        place = unit.checkpoints.get(site, checkpoint_id)
    except NotFound:
        raise unknown from None
    ticket = held(secret, place, keys, now_ns)
    if ticket.standing is Standing.UNKNOWN:
        raise unknown
    if ticket.standing is Standing.WITHDRAWN:
        raise NotFound("this display link was withdrawn; make a new one under Checkpoints", code="display_withdrawn")
    _must_rotate(place)
    step, ends_ns, void_ns = span_of(now_ns)
    return Shown(place, token_of(keys[0], place, step), ends_ns, void_ns, ticket.ends_ns)


def _must_rotate(place: Checkpoint) -> None:
    if not place.rotating:
        raise Conflict(f"{place.id} has no rotating code; switch it on first", code="display_off", checkpoint=place.id)
