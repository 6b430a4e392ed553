"""`python -m api.openapi` writes api/openapi.json, the contract the page's types are made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.app import api_router

FILE: Final = Path(__file__).with_name("openapi.json")


def contract() -> str:
    """The OpenAPI 3.1 document as it must be committed; the same on every machine."""
    app = FastAPI()
    app.include_router(api_router())
    document = get_openapi(title="看护 Caretaker", version="1", routes=app.routes)
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(contract(), encoding="utf-8")
