"""People, teams, shifts, phones and the audit trail as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.common import Body, Shape, Words

Id = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Clock = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
HumanRole = Literal["guard", "technician", "supervisor", "manager", "admin"]


class PersonShape(Shape):
    """A person. `sites` empty = all. `rights` only of the one who is signed in."""

    id: str
    name: str
    role: str
    rights: list[str] = Field(default_factory=list)
    team: str | None = None
    sites: list[str] = Field(default_factory=list)
    active: bool = True
    has_password: bool | None = None
    has_pin: bool | None = None


class People(Shape):
    """People, by name."""

    items: list[PersonShape]


class NewPerson(Body):
    """A person to be added. Without `id` one is made (from the Idempotency-Key when there is one)."""

    id: str | None = Field(default=None, pattern=Id)
    name: str = Field(min_length=1, max_length=80)
    role: HumanRole
    team: str | None = Field(default=None, max_length=64)
    sites: list[str] | None = Field(default=None, max_length=100, description="missing = this site; [] = all")
    password: str | None = Field(default=None, max_length=256)


class PersonChange(Body):
    """What is to change; missing = leave. `team` "" = none. Who changes the own password gives the present one too."""

    name: str | None = Field(default=None, min_length=1, max_length=80)
    role: HumanRole | None = None
    team: str | None = Field(default=None, max_length=64)
    sites: list[str] | None = Field(default=None, max_length=100)
    active: bool | None = None
    password: str | None = Field(default=None, max_length=256)
    pin: str | None = Field(default=None, max_length=16)
    current_password: str | None = Field(default=None, max_length=256)


class Title(Body):
    """A name in both languages."""

    zh: str = Field(min_length=1, max_length=80)
    en: str = Field(min_length=1, max_length=80)


class NewTeam(Body):
    """A team; the same id again changes its title."""

    id: str | None = Field(default=None, pattern=Id)
    title: Title


class TeamShape(Shape):
    """A team and its active members' ids."""

    id: str
    title: Words
    members: list[str]


class Teams(Shape):
    """Teams by id."""

    items: list[TeamShape]


class NewShift(Body):
    """A shift, in the site's local time; the same id again changes it. `weekdays`: 0 = Monday … 6 = Sunday, of its
    start. `ends` not after `starts` = on the next day."""

    id: str | None = Field(default=None, pattern=Id)
    team: str = Field(max_length=64)
    title: Title
    weekdays: list[int] = Field(min_length=1, max_length=7)
    starts: str = Field(pattern=Clock)
    ends: str = Field(pattern=Clock)
    active: bool = True


class ShiftShape(Shape):
    """A shift. `on_duty`: its occurrence that runs now."""

    id: str
    team: str
    title: Words
    weekdays: list[int]
    starts: str
    ends: str
    active: bool
    on_duty: DutyShape | None = None


class DutyShape(Shape):
    """One occurrence of a shift and who works in it."""

    starts_ms: int
    ends_ms: int
    persons: list[str]


class Shifts(Shape):
    """Shifts by id."""

    items: list[ShiftShape]


class InstallShape(Shape):
    """Where a phone installs the local CA, and the CA's SHA-256 to compare."""

    url: str
    svg: str
    fingerprint: str


class Enrolment(Shape):
    """A code that enrols one phone. `svg`: the QR code of `url`; the code is in its fragment, which no server sees.

    `reachable`: false when `url` leads only this machine to itself; `secure`: it is https, so camera, offline use and
    signatures work; `install`: what a phone must do first, null when its browser trusts us already or we have no https.
    """

    code: str
    url: str
    svg: str
    expires_ms: int
    secure: bool
    reachable: bool
    install: InstallShape | None


class NewPhone(Body):
    """A phone with an enrolment code. `public_key`: JWK of its P-256 key; null on plain http. `pin`: six digits, chosen
    by the person."""

    code: str = Field(min_length=8, max_length=128)
    public_key: dict[str, str | bool | list[str]] | None = None
    label: str = Field(default="", max_length=200)
    pin: str | None = Field(default=None, max_length=16)


class PhoneShape(Shape):
    """A phone. `signed`: its scans carry signatures. `withdrawn_by`: a person's id, or `pin`."""

    id: str
    person: str
    person_name: str
    label: str
    signed: bool
    enrolled_ms: int
    seen_ms: int | None
    wrong_pins: int
    withdrawn_ms: int | None
    withdrawn_by: str | None


class Phones(Shape):
    """The newest first."""

    items: list[PhoneShape]


class EnrolledShape(Shape):
    """The phone is enrolled and its person signed in; both secrets are cookies."""

    phone: PhoneShape
    person: PersonShape


class AuditRow(Shape):
    """One row of the trail. `actor_name` is today's name of the actor."""

    id: int
    at_ms: int
    site: str
    actor: str
    actor_name: str | None
    action: str
    subject: str
    before: dict[str, object] | None
    after: dict[str, object] | None
    mac: str


class AuditPage(Shape):
    """Rows of this site and of the whole house."""

    items: list[AuditRow]
