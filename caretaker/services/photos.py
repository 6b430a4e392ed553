"""Taking photos, and what they say about a scan."""

from __future__ import annotations

from collections.abc import Sequence

from caretaker.domain.people import Person
from caretaker.domain.rounds.judge import PhotoFacts
from caretaker.domain.rounds.scans import Scan
from caretaker.ports import Transactions, UnitOfWork
from caretaker.ports.photos import Photo, PhotoFiles


def take(
    transactions: Transactions, files: PhotoFiles, site: str, sha256: str, data: bytes, person: Person, now_ns: int
) -> Photo:
    """Keep a photo; the same again changes nothing. Raises Refused, Unavailable. The file is durable before SQL says so."""
    taken_ns = files.write(sha256, data)
    photo = Photo(sha256, site, person.id, now_ns, taken_ns, len(data))
    with transactions.begin() as unit:
        unit.photos.keep(photo)
        return unit.photos.get(sha256) or photo


def facts_of(unit: UnitOfWork, scan: Scan) -> Sequence[PhotoFacts]:
    """When each photo of a scan was taken, and whether another scan showed it before."""
    shas = dict.fromkeys((*scan.photos, *(sha for answer in scan.answers for sha in answer.photos)))
    found: list[PhotoFacts] = []
    for sha in shas:
        photo = unit.photos.get(sha)
        used = unit.scans.showing(scan.site, sha, besides=scan.id)
        found.append(PhotoFacts(sha, None if photo is None else photo.taken_ns, used))
    return found
