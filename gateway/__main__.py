"""`python -m gateway`: the gateway alone, for the full deployment."""

from __future__ import annotations

import sys

from caretaker import bootstrap
from gateway.compose import serve

if __name__ == "__main__":
    sys.exit(bootstrap.run_part("gateway", serve))
