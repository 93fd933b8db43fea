from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.hooks import HookContext

from skinapi.base.errors import Unauthenticated
from skinapi.platform.storage.ids import new_id
from skinapi.platform.web.declaration import Authenticated
from tests.findings.prediction.photographer import predicted
from tests.support.backends import ADMIN, PASSWORD, Backend
from tests.support.size import size

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
# That one sends the case again without its token, which a sequence puts back.
CHECKED_IN_SEQUENCES = [check for check in CHECKED if check.__name__ != "ignored_auth"]
CASES_EACH = size(1, 300)
SEQUENCES, STEPS = size(2, 250), 10
REGISTRATIONS = ("/register", "/doctors")  # no description of an e-mail makes a generator write one
# What an answer leads to: the next operation, and where it finds what it needs.
BY_EMAIL = ("approve_user", "change_role", "suspend_user", "delete_user")
BY_NUMBER = ("show_submission", "show_photo", "show_thumbnail", "delete_submission")
SENT_EMAIL = {"email": "$request.body#/email"}
FIRST_NUMBER = {"number": "$response.body#/0/id"}
LEADS: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {
    ("/register", "post", "201"): dict.fromkeys(BY_EMAIL, SENT_EMAIL),
    ("/doctors", "post", "201"): dict.fromkeys(("delete_doctor", *BY_EMAIL), SENT_EMAIL),
    ("/submissions", "get", "200"): dict.fromkeys(BY_NUMBER, FIRST_NUMBER),
    ("/me/sessions", "get", "200"): {"end_session": {"session_id": "$response.body#/0/_id"}},
}


schemathesis.serializer.alias("multipart/related", "application/octet-stream")


@schemathesis.hook("before_load_schema")
def tell_what_leads_where(_: HookContext, raw_schema: dict[str, Any]) -> None:
    for (path, method, status), operations in LEADS.items():
        raw_schema["paths"][path][method]["responses"][status]["links"] = {
            name: {"operationId": name, "parameters": parameters}
            for name, parameters in operations.items()
        }


class Fuzzed(Backend):
    """Calls as an admin: the least privileged caller would be refused before anything can break."""

    token = "none yet"

    def as_admin(self) -> dict[str, str]:
        """Log in again, because some requests change the admin's password, or log out."""
        try:
            self.services.authorizer.admit(Authenticated(even_unready=True), f"Bearer {self.token}")
        except Unauthenticated:
            self.token = self.token_of(self.account(ADMIN))
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    backend = Fuzzed(tmp_path_factory.mktemp("fuzz"))
    admin = backend.admin()
    for _ in range(size(5, 50)):
        predicted(admin, keep_photo="true")
    backend.approved(DOCTOR, role="doctor")
    backend.register(VICTIM)
    yield backend
    backend.services.store.close()


@pytest.mark.timeout(size(300, 3600))  # it grows with every route
def test_no_generated_request_breaks_the_description(
    fuzzed: Fuzzed, report: Callable[[str], None]
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", fuzzed.app)
    found: list[Any] = list(schema.get_all_operations())
    operations = [operation.ok() for operation in found]
    assert len(operations) > 20
    answered: Counter[int] = Counter()
    for operation in operations:
        _drive(operation, GenerationMode.POSITIVE, fuzzed, answered)
        if _can_be_wrong(operation):
            _drive(operation, GenerationMode.NEGATIVE, fuzzed, answered)
    report(f"{answered.total()} generated requests, answered as described: {dict(answered)}")


def test_no_generated_sequence_of_requests_breaks_the_description(
    fuzzed: Fuzzed, report: Callable[[str], None]
) -> None:
    answered: Counter[int] = Counter()

    state_machine: Any = schemathesis.openapi.from_wsgi(
        "/openapi.json", fuzzed.app
    ).as_state_machine()

    class RequestSequence(state_machine):  # type: ignore[misc]
        def get_call_kwargs(self, _: Any) -> dict[str, Any]:
            return {"headers": fuzzed.as_admin()}

        def before_call(self, case: Any) -> None:
            if case.path in REGISTRATIONS and isinstance(case.body, dict):
                case.body |= {"name": "A", "email": f"{new_id()}@example.org", "password": PASSWORD}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            answered[response.status_code] += 1
            case.validate_response(response, checks=CHECKED_IN_SEQUENCES)

    sequences = settings(
        max_examples=SEQUENCES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(RequestSequence, settings=sequences)
    report(f"{answered.total()} requests in sequences, answered as described: {dict(answered)}")
    assert answered[200]


def _can_be_wrong(operation: Any) -> bool:
    """Any text is a valid path; queries and bodies have a schema to break."""
    parameters = operation.definition.raw["parameters"]
    return bool(operation.body) or any(part["in"] == "query" for part in parameters)


def _drive(operation: Any, mode: GenerationMode, backend: Fuzzed, answered: Counter[int]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=CASES_EACH, deadline=None, suppress_health_check=list(HealthCheck))
    def run(case: Any) -> None:
        if "email" in (case.path_parameters or {}) and len(case.path_parameters["email"]) % 2:
            case.path_parameters["email"] = quote(VICTIM)
        response = case.call_and_validate(headers=backend.as_admin(), checks=CHECKED)
        answered[response.status_code] += 1

    run()
