"""Rotating codes for displays: making a link, and the code of the moment for who holds it, without a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request

from api import qr
from api.auth import needs
from api.doors import reach
from api.endpoints.session import address_of
from api.house import House, TheHouse
from api.limits import PublicLimits, sender
from api.schemas.common import Words, ms
from api.schemas.displays import DisplayCode, DisplayLink
from api.views_rounds import RoundViews
from caretaker.domain.errors import Unavailable
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.codes import SiteKey
from caretaker.services import displays

router = APIRouter(tags=["rounds"])
Planner = Annotated[Person, Depends(needs(Right.PLAN))]
Place = Annotated[str, Path(max_length=64)]
Secret = Annotated[str, Header(alias="X-Caretaker-Display", max_length=64, description="what the link says after #")]


@router.post("/checkpoints/{checkpoint}/display", operation_id="linkDisplay")
def link_display(checkpoint: str, person: Planner, house: TheHouse, request: Request) -> DisplayLink:
    """The link for a display of a rotating place; noted in the audit trail. A reprint of the place withdraws it."""
    site = house.estate.site.id
    secret = displays.make_link(house.transactions, site, _keys(house), checkpoint, person, house.clock.now_ns())
    way = reach(request, house.doors)
    path = f"/display/{checkpoint}#{secret}"
    url = way.open_base + path
    secure = way.base + path if way.base != way.open_base else None
    return DisplayLink(url=url, secure_url=secure, svg=qr.svg(url), reachable=way.reachable)


@router.get("/displays/{checkpoint}", operation_id="readDisplay")
def read_display(checkpoint: Place, request: Request, house: TheHouse, secret: Secret = "") -> DisplayCode:
    """The code that the display of this place shows now. Wrong secrets are counted by address: 429 says how long to
    wait. Read again when `ends_ms` is over."""
    now_ns = house.clock.now_ns()
    limits: PublicLimits = request.app.state.limits
    address = sender(address_of(request))
    limits.displays.take(address, now_ns)
    with house.transactions.begin(write=False) as unit:
        shown = displays.code_now(unit, house.estate.site.id, _keys(house), checkpoint, secret, now_ns)
        limits.displays.give_back(address)  # it was right: a row of displays behind one address is no attack
        views = RoundViews(house, unit)
        url = f"{reach(request, house.doors).open_base}/s/{shown.token}"
        return DisplayCode(
            site=Words.needed(house.estate.site.title),
            zone=house.estate.site.zone,
            title=Words.needed(shown.place.title),
            space_title=views.space_title(shown.place.space),
            url=url,
            svg=qr.svg(url),
            now_ms=now_ns // 1_000_000,
            ends_ms=shown.ends_ns // 1_000_000,
            void_ms=shown.void_ns // 1_000_000,
            link_ends_ms=ms(shown.link_ends_ns),
        )


def _keys(house: House) -> Sequence[SiteKey]:
    if house.keys is None:
        raise Unavailable(
            "this process holds no signing keys; displays are served by the house that `caretaker up` starts"
        )
    return house.keys.keys(house.estate.site.id)
