"""What is printed on the stickers: the signed address of each place as a QR code, with its name and short code."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from api import qr
from api.auth import needs
from api.doors import reach
from api.house import House, TheHouse
from api.paper.labels import label_sheets
from api.schemas.checkpoints import LabelList, LabelShape
from api.schemas.common import Words
from api.views_rounds import RoundViews
from caretaker.domain.errors import NotFound, Unavailable
from caretaker.domain.people import Person, Right
from caretaker.domain.rounds.checkpoints import Checkpoint
from caretaker.domain.rounds.codes import SiteKey, token_of

router = APIRouter(tags=["rounds"])
Planner = Annotated[Person, Depends(needs(Right.PLAN))]


Chosen = Annotated[list[str] | None, Query(max_length=500, description="repeat for several; none = all")]
PDF: Final = "application/pdf"


@router.get("/labels", operation_id="listLabels")
def list_labels(_person: Planner, house: TheHouse, request: Request, checkpoints: Chosen = None) -> LabelList:
    """The labels of these places in the order asked for, signed with the key in use. Only for those who may plan.

    `url` begins with an address of ours on the building's network, which a stranger's phone opens without a certificate.
    """
    way = reach(request, house.doors)
    return LabelList(items=_labels(house, way.open_base, checkpoints), reachable=way.reachable)


@router.get(
    "/labels.pdf",
    operation_id="printLabels",
    response_class=Response,
    responses={200: {"content": {PDF: {}}, "description": "A4 sheets of 3 x 8 labels, 70 x 37.125 mm each"}},
)
def print_labels(_person: Planner, house: TheHouse, request: Request, checkpoints: Chosen = None) -> Response:
    """The same labels as a file to print; both languages on each, short crosses to cut along."""
    labels = _labels(house, reach(request, house.doors).open_base, checkpoints)
    data = label_sheets(Words.needed(house.estate.site.title), labels)
    headers = {"Content-Disposition": 'attachment; filename="caretaker-labels.pdf"', "Cache-Control": "no-store"}
    return Response(data, media_type=PDF, headers=headers)


def _labels(house: House, base: str, checkpoints: list[str] | None) -> list[LabelShape]:
    if house.keys is None:
        raise Unavailable("this process holds no signing keys; labels come from the house that `caretaker up` starts")
    key = house.keys.keys(house.estate.site.id)[0]
    with house.transactions.begin(write=False) as unit:
        views = RoundViews(house, unit)
        wanted = list(views.checkpoints) if checkpoints is None else list(dict.fromkeys(checkpoints))
        for name in wanted:
            if name not in views.checkpoints:
                raise NotFound(f"there is no checkpoint {name}", checkpoint=name)
        return [_label(views, views.checkpoints[name], key, base) for name in wanted]


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
