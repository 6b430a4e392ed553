"""Site keys in files of the data folder, mode 0600: a stolen database alone signs nothing."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from caretaker.domain.errors import ConfigurationError
from caretaker.domain.rounds.codes import SiteKey


class KeyRing:
    """`ports.keys.SiteKeys` on `<folder>/site-<id>.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[SiteKey, ...]] = {}

    def keys(self, site: str) -> Sequence[SiteKey]:
        """The one in use first."""
        with self._lock:
            if site not in self._known:
                self._known[site] = self._read(site) or self._write(site, (_fresh(),))
            return self._known[site]

    def rotate(self, site: str, now_ns: int, grace_s: float) -> SiteKey:
        """Retire and renew."""
        current, *older = self.keys(site)
        retired = SiteKey(current.id, current.secret, now_ns, now_ns + round(grace_s * 1e9))
        with self._lock:
            self._known[site] = self._write(site, (_fresh(), retired, *older))
            return self._known[site][0]

    def _path(self, site: str) -> Path:
        return self._folder / f"site-{site}.json"

    def _read(self, site: str) -> tuple[SiteKey, ...]:
        path = self._path(site)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return tuple(
                SiteKey(row["id"], bytes.fromhex(row["secret"]), row["retired_ns"], row["grace_until_ns"])
                for row in found["keys"]
            )
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            raise ConfigurationError(
                f"the key file {path} cannot be read ({wrong}); without it no sticker of site {site} is valid: "
                "bring it back from a backup, or remove it and print all labels anew"
            ) from wrong

    def _write(self, site: str, keys: tuple[SiteKey, ...]) -> tuple[SiteKey, ...]:
        rows = [
            {
                "id": key.id,
                "secret": key.secret.hex(),
                "retired_ns": key.retired_ns,
                "grace_until_ns": key.grace_until_ns,
            }
            for key in keys
        ]
        path = self._path(site)
        beside = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump({"keys": rows}, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as wrong:
            raise ConfigurationError(f"the key file {path} cannot be written: {wrong.strerror}") from wrong
        return keys


def _fresh() -> SiteKey:
    return SiteKey(secrets.token_hex(4), secrets.token_bytes(32))
