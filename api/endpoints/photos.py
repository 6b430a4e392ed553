"""Photos: sent once, named by their own hash, shown to those who may watch."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.auth import Watcher
from api.endpoints.rounds import Walker
from api.errors import Problem
from api.house import House, TheHouse
from api.schemas.common import Shape
from caretaker.ports.photos import PhotoFiles
from caretaker.services import photos

router = APIRouter(tags=["rounds"])
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="hex SHA-256 of the bytes sent")]


class PhotoShape(Shape):
    """A photo that is kept."""

    sha256: str
    received_ms: int
    taken_ms: int | None


@router.put("/photos/{sha256}", operation_id="putPhoto")
async def put(sha256: Sha, request: Request, person: Walker, house: TheHouse) -> PhotoShape:
    """Keep a photo (JPEG, PNG or WebP, at most 3 MB). The same again changes nothing."""
    data = await request.body()
    kept = await run_in_threadpool(
        photos.take,
        house.transactions,
        files_of(house),
        house.estate.site.id,
        sha256,
        data,
        person,
        house.clock.now_ns(),
    )
    taken_ms = None if kept.taken_ns is None else kept.taken_ns // 1_000_000
    return PhotoShape(sha256=kept.sha256, received_ms=kept.received_ns // 1_000_000, taken_ms=taken_ms)


@router.get("/photos/{sha256}", operation_id="getPhoto", response_class=Response)
def get(sha256: Sha, _person: Watcher, house: TheHouse) -> Response:
    """The picture as JPEG."""
    data = files_of(house).read(sha256)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=31536000, immutable"})


def files_of(house: House) -> PhotoFiles:
    """Where this process keeps photos. Raises Problem 503."""
    if house.photos is None:
        raise Problem(503, "unavailable", "this process keeps no photos")
    return house.photos
