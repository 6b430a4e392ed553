"""Where the certificate of the https door comes from."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Protocol

from caretaker.domain.certificates import Certificate


class Certificates(Protocol):
    """The certificate in the data folder, made here or brought along."""

    def current(self) -> Certificate | None:
        """What is in force; None until one was made or named. Raises BadCertificate."""

    def keep_fresh(self, now_ns: int) -> bool:
        """Renew a local one that is due; True when a new one was made. One's own is somebody else's to renew."""

    def changed(self) -> float:
        """When its files were written last: another number means that they must be loaded again."""

    def load_into(self, context: ssl.SSLContext) -> None:
        """Use it for the connections to come. Raises BadCertificate."""

    def authority(self) -> bytes | None:
        """The local CA for phones to install (DER); None when there is none."""

    def addresses(self) -> Sequence[str]:
        """The machine's own addresses on its networks, the likeliest first."""
