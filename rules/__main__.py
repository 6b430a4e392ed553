"""`python -m rules`: judging alone, for the full deployment."""

from __future__ import annotations

import sys


def main() -> int:
    """Wire it up and run until SIGTERM or Ctrl-C; the exit code."""
    from caretaker import bootstrap

    return bootstrap.run_part("rules")


if __name__ == "__main__":
    sys.exit(main())
