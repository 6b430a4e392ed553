"""What is printed on the stickers: the signed address of each place as a QR code, with its name and short code."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api import qr
from api.auth import needs
from api.house import TheHouse
from api.schemas.rounds import LabelList, LabelShape
from api.views_rounds import RoundViews
from caretaker.domain.errors import NotFound, Unavailable
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import SiteKey, token_of

router = APIRouter(tags=["rounds"])
Planner = Annotated[Person, Depends(needs(Right.PLAN))]


@router.get("/labels", operation_id="listLabels")
def list_labels(
    _person: Planner,
    house: TheHouse,
    request: Request,
    checkpoints: Annotated[
        list[str] | None, Query(max_length=500, description="repeat for several; none = all")
    ] = None,
) -> LabelList:
    """The labels of these places in the order asked for, signed with the key in use. Only for those who may plan.

    `url` begins with the address this page was opened under: print from the address that the phones will use.
    """
    if house.keys is None:
        raise Unavailable("this process holds no signing keys; labels come from the house that `caretaker up` starts")
    key = house.keys.keys(house.estate.site.id)[0]
    base = str(request.base_url).rstrip("/")
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        wanted = list(views.checkpoints) if checkpoints is None else list(dict.fromkeys(checkpoints))
        for name in wanted:
            if name not in views.checkpoints:
                raise NotFound(f"there is no checkpoint {name}", checkpoint=name)
        return LabelList(items=[_label(views, views.checkpoints[name], key, base) for name in wanted])


def _label(views: RoundViews, place: Checkpoint, key: SiteKey, base: str) -> LabelShape:
    url = f"{base}/s/{token_of(key, place)}"
    shown = views.checkpoint(place, codes=True)
    return LabelShape(
        checkpoint=place.id,
        title=shown.title,
        space_title=shown.space_title,
        floor=None if shown.floor in (None, place.space) else views.space_title(shown.floor),
        short_code=place.short_code,
        code_version=place.code_version,
        url=url,
        svg=qr.svg(url),
    )
