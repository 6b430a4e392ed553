"""MQTT made real: MQTT 5 on an asyncio.Protocol, and paho-mqtt for brokers that speak only 3.1.1."""

from __future__ import annotations

from caretaker.adapters.mqtt.address import BrokerAddress
from caretaker.adapters.mqtt.link import Link
from caretaker.adapters.mqtt.link311 import Link311
from caretaker.ports import BrokerLink, Clock

__all__ = ["BrokerAddress", "Link", "Link311", "open_link"]


def open_link(address: BrokerAddress, client_id: str, clock: Clock) -> BrokerLink:
    """The link for this address: version 5 unless the address says `?version=3`."""
    return Link311(address, client_id, clock) if address.version == 3 else Link(address, client_id, clock)
