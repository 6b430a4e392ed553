"""Work requests and the public sticker page as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.checkpoints import Id
from api.schemas.common import Body, Shape, Words
from api.schemas.scans import Digest, Uuid
from caretaker.domain.work_requests import Progress

Line = r"^[^\x00-\x1f\x7f]*$"
CodeState = Literal["valid", "withdrawn", "expired"]


class FaultShape(Shape):
    """What may be reported here."""

    id: str
    title: Words


class RepairShape(Shape):
    """What is being repaired here already: nothing of who does it or how it was noticed."""

    title: Words
    progress: Progress
    due_ms: int | None


class StickerShape(Shape):
    """A place, for everybody who stands before its sticker. `way`: building, floor, room, from the outside in.

    code  withdrawn: a newer sticker was printed; expired: signed with a key that is out of use. Both may still report.
    """

    site: Words
    zone: str
    title: Words
    way: list[Words]
    asset: Words | None
    code: CodeState
    standing: list[RepairShape]
    faults: list[FaultShape]


class ReportBody(Body):
    """A report. `key`: a random UUID of the sender's; the same again is the same report, and who has it may look at it."""

    key: Uuid
    fault: Id
    description: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$", examples=["三层灯一直闪"])
    photo: Digest | None = Field(default=None, description="of the picture that will follow")
    name: str = Field(default="", max_length=64, pattern=Line, description="to call back; never published")
    phone: str = Field(
        default="", max_length=32, pattern=r"^[0-9+() .-]*$", description="to call back; never published"
    )


class ReportShape(Shape):
    """What became of a report. `number`: of the work order; `joined`: others had reported the same before."""

    number: str
    fault_title: Words
    progress: Progress
    received_ms: int
    due_ms: int | None
    joined: bool
    photo: Literal["none", "awaited", "kept"]
    refused_reason: str | None


class ContactShape(Shape):
    """To call back."""

    name: str
    phone: str


class WorkRequestShape(Shape):
    """A report as staff see it. `contact` only for those who do or hand out the work, and for 90 days."""

    id: str
    checkpoint: str
    title: Words
    space_title: Words
    asset: str | None
    asset_title: Words | None
    fault: str
    fault_title: Words
    description: str
    priority: str
    received_ms: int
    photo: str | None
    contact: ContactShape | None
    work_order: str | None
    progress: Progress
    refused_ms: int | None
    refused_by: str | None
    refused_reason: str | None


class WorkRequestList(Shape):
    """Newest first."""

    items: list[WorkRequestShape]


class RefuseBody(Body):
    """Why not. The reporter reads it."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
