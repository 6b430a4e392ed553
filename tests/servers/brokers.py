"""mosquitto, set so that it loses nothing of its own accord: what is lost in a test was lost by us."""

import getpass
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.base import Server, need


class Mosquitto(Server):
    """A real broker. `options` are further lines of its configuration, and win over ours.

    `durable` writes its queue to disk after every change, so that even its own `kill9` keeps what it acknowledged;
    slow, so only where the broker is what dies.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self.durable = durable
        self.options = dict(options or {})

    def command(self) -> Sequence[str]:
        lines = {
            "allow_anonymous": "true",
            "user": getpass.getuser(),  # started as root it would turn into somebody who may not read this folder
            "persistence": "true",
            "persistence_location": f"{self.folder}/",
            "autosave_on_changes": str(self.durable).lower(),
            "autosave_interval": "1" if self.durable else "1800",
            "max_queued_messages": "0",
            "max_queued_bytes": "0",
            "max_inflight_messages": "1000",
            "set_tcp_nodelay": "true",
            "sys_interval": "1",
            "log_dest": "stdout",
            **self.options,
        }
        path = self.folder / "mosquitto.conf"
        listener = f"listener {self.port} {self.host}\n"  # first: what follows it is this listener's, or general
        path.write_text(listener + "".join(f"{name} {value}\n" for name, value in lines.items()), "utf-8")
        return [need("mosquitto"), "-c", str(path)]
