"""Whose sticker is this? For people who are not signed in: the place it hangs at, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence

from caretaker.domain.errors import NotFound
from caretaker.domain.rounds import codes
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import SiteKey
from caretaker.domain.rounds.scans import Reason, TokenType
from caretaker.ports import UnitOfWork


def place_of(
    unit: UnitOfWork, site: str, keys: Sequence[SiteKey], text: str, now_ns: int
) -> tuple[Checkpoint, Reason | None]:
    """The place, and what is wrong with the code: a withdrawn or old sticker is genuine and still says where it hangs.

    Raises NotFound (`sticker_unknown`) for every code we did not sign, whatever is wrong with it: who guesses learns
    neither which places there are nor how near the guess was.
    """
    unknown = NotFound("this code was not signed by this house", code="sticker_unknown")
    token = codes.read(text)
    if token is None:
        raise unknown
    try:
        place = unit.checkpoints.get(site, token.checkpoint)
    except NotFound:
        raise unknown from None
    checked = codes.check(token.text, TokenType.PRINTED, site, [place], keys, now_ns)
    if checked.checkpoint is None:
        raise unknown
    return place, checked.doubt
