"""The whole description driven by generated requests: no server error, no undocumented answer."""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.houses import ADMIN, House

VICTIM = "victim@example.org"
DOCTOR = "doctor@example.org"
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "unsupported_method",
        "allow_header_conformance",
        "ignored_auth",
        "missing_required_header",
    ]
)
CASES_EACH = 400 if os.environ.get("DRILL") else 20


@pytest.fixture
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("fuzz"))
    house.admin()
    house.approved(DOCTOR, role="doctor")
    house.register(VICTIM)
    yield house
    house.rooms.store.close()


def test_no_generated_request_breaks_the_description(fuzzed: House) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", fuzzed.app)
    found: list[Any] = list(schema.get_all_operations())
    operations = [operation.ok() for operation in found]
    assert len(operations) > 20
    for operation in operations:
        _drive(operation, GenerationMode.POSITIVE, fuzzed)
        if _can_be_wrong(operation):
            _drive(operation, GenerationMode.NEGATIVE, fuzzed)


def _can_be_wrong(operation: Any) -> bool:
    """Any text at all is a fine path; queries and bodies have a schema to break."""
    parameters = operation.definition.raw["parameters"]
    return bool(operation.body) or any(part["in"] == "query" for part in parameters)


def _drive(operation: Any, mode: GenerationMode, house: House) -> None:
    """Every request as an admin: whoever may do least is refused before anything can break."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=CASES_EACH, deadline=None, suppress_health_check=list(HealthCheck))
    def run(case: Any) -> None:
        if "email" in (case.path_parameters or {}) and len(case.path_parameters["email"]) % 2:
            case.path_parameters["email"] = quote(VICTIM)
        case.call_and_validate(headers=_as_admin(house), checks=CHECKED)

    run()


def _as_admin(house: House) -> dict[str, str]:
    account = house.rooms.accounts.by_email(ADMIN)
    assert account
    return {"Authorization": f"Bearer {house.token_of(account)}"}
