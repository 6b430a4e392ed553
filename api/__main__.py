"""`python -m api`: the HTTP door alone, for the full deployment."""

from __future__ import annotations

import sys

from api.compose import serve
from caretaker import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.run_part("api", serve))
