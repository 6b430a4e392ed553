"""`python -m ingest`: journal to store alone, for the full deployment."""

from __future__ import annotations

import sys

from caretaker import bootstrap
from ingest.compose import serve

if __name__ == "__main__":
    sys.exit(bootstrap.run_part("ingest", serve))
