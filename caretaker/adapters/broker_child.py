"""The broker's own process: serves until its standard input ends, which it does when its parent is gone, however."""

from __future__ import annotations

import logging
import os
import sys
import threading

import iotcore


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # rumqttd has no way to be asked


def main() -> None:
    """`python -m caretaker.adapters.broker_child CONFIG`."""
    # rumqttd tells of every packet on the level of errors
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    iotcore.Broker(config_path=sys.argv[1]).run_forever()


if __name__ == "__main__":
    main()
