"""What was already done under a key, so that a request sent twice acts once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Once:
    """A sender's key for one deed.

    key           the sender's Idempotency-Key, made unique by who sent it
    fingerprint   digest of what was asked (route and body): the same key for something else is a mistake
    """

    key: str
    fingerprint: str


class Repeats(Protocol):
    """Keys of deeds done, kept for some days."""

    def claim(self, once: Once, at_ns: int) -> bool:
        """True: new, go on (the key is kept when this transaction commits). False: done before, do nothing.

        Raises Refused when the key was used for another request.
        """
        ...
