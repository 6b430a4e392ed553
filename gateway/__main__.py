"""`python -m gateway`: the gateway alone, for the full deployment."""

from __future__ import annotations

import sys


def main() -> int:
    """Wire it up and run until SIGTERM or Ctrl-C; the exit code."""
    from caretaker import bootstrap

    return bootstrap.run_part("gateway")


if __name__ == "__main__":
    sys.exit(main())
