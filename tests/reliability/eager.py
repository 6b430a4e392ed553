"""Caretaker made wrong on purpose: it acknowledges what it received before the journal has it.

`python -m tests.reliability.eager up …` (or `gateway`): the tests that prove the promise must fail on this.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import gateway.compose
from caretaker.bootstrap import run_part
from caretaker.cli import main
from caretaker.domain.assets import Estate
from caretaker.ports import BrokerLink, Clock, Publishes
from caretaker.services.readings import Acceptor
from gateway.collectors.mqtt.collector import MqttCollector


class EagerCollector(MqttCollector):
    """Acknowledges at once and writes a quarter of a second later, as clients with automatic acknowledgement and batching
    writers do."""

    def __init__(self, estate: Estate, link: BrokerLink, acceptor: Acceptor, clock: Clock) -> None:
        super().__init__(estate, link, acceptor, clock, linger_s=0.25)

    def _take(self, chunk: Publishes) -> None:
        self._link.acknowledge(chunk.connection, chunk.acks)
        super()._take(replace(chunk, acks=()))


if __name__ == "__main__":
    setattr(gateway.compose, "MqttCollector", EagerCollector)  # noqa: B010 - the one wrong part put in its place
    if sys.argv[1:] == ["gateway"]:
        sys.exit(run_part("gateway", gateway.compose.serve))
    main()
