"""Where a broker is: mqtt://[user:password@]host[:port][?version=3|5]."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from caretaker.domain.errors import ConfigurationError

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker and how to speak to it. The password never appears in `str()` or in logs."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    version: int = 5
    tls: bool = False

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str, password: str | None = None) -> BrokerAddress:
        """Read the setting `mqtt`; `password` (from a file) wins over the one in the URL. Raises ConfigurationError."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        options = parse_qs(parts.query)
        version = options.pop("version", ["5"])[0]
        wrong = ""
        if parts.scheme not in _PORTS or not parts.hostname:
            wrong = "it does not start with mqtt:// or mqtts:// and a host"
        elif port in {-1, 0}:
            wrong = "the port is not a number from 1 to 65535"
        elif version not in {"3", "5"} or options:
            wrong = "the only option is version=3 (for MQTT 3.1.1) or version=5"
        if wrong:
            shown = url.rpartition("@")[2]
            raise ConfigurationError(
                f"CARETAKER_MQTT: {shown!r} is not a broker address: {wrong}. "
                "Expected mqtt://[user:password@]host:port[?version=3|5]"
            )
        return cls(
            host=parts.hostname or "",
            port=port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=password or (unquote(parts.password) if parts.password else None),
            version=int(version),
            tls=parts.scheme == "mqtts",
        )
