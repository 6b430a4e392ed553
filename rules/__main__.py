"""`python -m rules`: judging and telling alone, for the full deployment."""

from __future__ import annotations

import sys

from caretaker import bootstrap
from rules.compose import serve

if __name__ == "__main__":
    sys.exit(bootstrap.run_part("rules", serve))
