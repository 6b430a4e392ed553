"""No PUBACK leaves before the journal commit that holds its message is synced (reliability R3).

A killed process keeps the kernel's page cache, so no `kill -9` can show this; the order of the system calls does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.harness import Load
from tests.reliability.traced import Order, TracedGateway, read_order
from tests.reliability.yard import write_yard
from tests.servers import Mosquitto

pytestmark = [pytest.mark.faults, pytest.mark.servers]


class EagerGateway(TracedGateway):
    """Made wrong on purpose."""

    run = ("tests.reliability.eager", "gateway")


def traced(gateway_type: type[TracedGateway], folder: Path, messages: int) -> Order:
    with (
        Mosquitto(folder / "broker") as broker,
        gateway_type(folder / "house", write_yard(folder, 50), broker.port) as gateway,
    ):
        load = Load(broker.port, folder / "history.jsonl", messages, 1_000.0, planted=0)
        load.start()
        load.join(60)
        gateway.wait_until_quiet(messages, 30)
        gateway.stop()
        return read_order(gateway.trace)


def test_every_puback_leaves_after_the_sync_of_its_message(tmp_path: Path) -> None:
    order = traced(TracedGateway, tmp_path, 2_000)

    print(f"{len(order.acknowledged)} PUBACKs after {order.syncs} syncs, {len(order.violations)} too early")
    assert sorted(order.acknowledged) == list(range(1, 2_001)), "the trace shows all of them"
    assert len(order.durable) == 2_000
    assert order.syncs > 1
    assert not order.violations


def test_a_collector_that_acknowledges_at_once_is_seen(tmp_path: Path) -> None:
    order = traced(EagerGateway, tmp_path, 300)

    print(f"wrong on purpose: {len(order.violations)} of {len(order.acknowledged)} PUBACKs too early")
    assert len(order.acknowledged) == len(order.durable) == 300, "the trace shows all of them, and the commits too"
    assert order.violations
