"""api/openapi.json is what the API says now, and says it in OpenAPI 3.1."""

from __future__ import annotations

import json

from api.openapi import FILE, contract


def test_the_committed_contract_is_fresh() -> None:
    assert FILE.read_text("utf-8") == contract(), "run: .venv/bin/python -m api.openapi"


def test_it_is_openapi_3_1_and_every_operation_has_a_name_and_a_sentence() -> None:
    document = json.loads(contract())
    assert document["openapi"].startswith("3.1")
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation.get("operationId") and operation.get("description") for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))


def test_every_operation_promises_problem_json_for_its_refusals() -> None:
    document = json.loads(contract())
    for path in document["paths"].values():
        for operation in path.values():
            assert "default" in operation["responses"]
