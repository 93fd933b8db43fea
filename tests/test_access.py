from datetime import UTC, datetime

import pytest
from werkzeug.test import TestResponse

from skinapi.accounts.auth.account import AccountFields
from skinapi.platform.web.declaration import Route, closed_to, route_of
from tests.privacy.test_moving_accounts import move_all
from tests.support.access import PEOPLE, ROWS, SampleAccounts
from tests.support.backends import MAIL, Backend, change_account

LETTERS = {401: "u", 403: "f", 404: "n"}
REFUSALS = {
    "You are not logged in. Please log in.": "u",
    closed_to("lab"): "u",
    "Your log-in is not valid any more. Please log in again.": "u",
    "Your account may not do this.": "f",
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """As in production, no client without a token is let in."""
    return Backend(tmp_path_factory.mktemp("access"), environment="production", **MAIL)


@pytest.fixture(scope="module")
def accounts(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> SampleAccounts:
    accounts = SampleAccounts(backend)
    accounts.keep(tmp_path_factory.mktemp("kept"))
    return accounts


def declared(backend: Backend) -> dict[str, Route]:
    found = {}
    for rule in backend.app.url_map.iter_rules():
        route = route_of(backend.app, rule.endpoint)
        assert route, f"{rule.rule} is not declared"
        found[route.function.__name__] = route
    return found


def test_every_route_has_a_row_and_every_row_a_route(backend: Backend) -> None:
    assert declared(backend).keys() == ROWS.keys(), (
        "give the route a row in tests/support/access.py"
    )


@pytest.mark.parametrize("name", ROWS)
def test_each_role_gets_exactly_the_status_of_its_row(
    backend: Backend, accounts: SampleAccounts, name: str
) -> None:
    row, route = ROWS[name], declared(backend)[name]
    wanted = dict(zip(PEOPLE, row.who, strict=True))
    accounts.restore()
    # Allowed callers come last, so that the others are refused something that exists.
    for who in sorted(wanted, key=lambda item: wanted[item] == "o"):
        answer = ask(accounts, who, route.method, name)
        assert letter(answer) == wanted[who], f"{who}: {answer.text[:200]}"
        if route.method != "GET" and wanted[who] == "o":
            accounts.restore()


# What a patient's account may be, and whether doctors who care for the patient see it then.
STATES: dict[str, tuple[AccountFields, bool]] = {
    "waiting": (AccountFields(status="waiting"), True),
    "suspended": (AccountFields(status="suspended"), True),
    "closed": (AccountFields(status="closed", erase_at=datetime(2100, 1, 1, tzinfo=UTC)), True),
}
# A doctor who already has the patient is told so.
OF_PATIENT = [*(row for row in ROWS.values() if row.names_patient)]
SEEN = [row.name for row in OF_PATIENT if row.name != "take_unassigned_patient"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("who", ["doctor", "second opinion"])
def test_doctors_see_of_a_patient_what_the_state_of_the_account_allows(
    backend: Backend, accounts: SampleAccounts, who: str, state: str
) -> None:
    """They see nothing of an account that is being deleted, whatever else would allow it."""
    patient, seen = STATES[state]
    methods = {name: declared(backend)[name].method for name in SEEN}
    accounts.restore()
    for name in sorted(SEEN, key=lambda name: methods[name] != "GET"):
        if methods[name] != "GET":
            accounts.restore()
        wanted = dict(zip(PEOPLE, ROWS[name].who, strict=True))[who]
        answer = ask(accounts, who, methods[name], name, patient=patient)
        if name == "send_message" and wanted == "o":
            wanted = "409"  # patient_cannot_read: nobody would read it
        allowed = wanted if seen else "fn"
        assert letter(answer) in allowed, f"{name}: {answer.text[:200]}"


def test_moved_spots_are_seen_by_whoever_cares_for_the_other_account(
    backend: Backend, accounts: SampleAccounts
) -> None:
    accounts.restore()
    ada, other, doctor = (accounts.person(who) for who in ("user", "other user", "other doctor"))
    stays = backend.account(other.email).id
    change_account(backend.services, stays, doctor_id=backend.account(doctor.email).id)
    moved = move_all(accounts.person("admin"), ada.email, other.email)
    assert moved.status_code == 200, moved.text
    for row in OF_PATIENT:
        method, was = declared(backend)[row.name].method, dict(zip(PEOPLE, row.who, strict=True))
        if method == "GET" and "{patient}" not in row.path and was["other doctor"] == "n":
            got = {who: letter(ask(accounts, who, method, row.name)) for who in PEOPLE}
            assert got["user"] == was["suspended"], row.name
            assert (got["other user"], got["other doctor"]) == (was["user"], was["doctor"]), row
            assert got["doctor"] == "n", row.name


def ask(
    accounts: SampleAccounts,
    who: str,
    method: str,
    name: str,
    *,
    patient: AccountFields | None = None,
) -> TestResponse:
    accounts.caller = person = accounts.people[who]
    row = ROWS[name]
    path, options = row.path.format_map(accounts.named), row.options(accounts)
    if patient:
        accounts.set_patient(patient)
    if person is None:
        return accounts.backend.app.test_client().open(path, method=method, **options)
    return person.call(method, path, **options)


def letter(answer: TestResponse) -> str:
    """The lab's client takes every answer but 200 as permission to invent one."""
    assert answer.status_code < 500, answer.text
    if answer.is_json and "class_id" in (body := answer.get_json()):
        return REFUSALS.get(body["description"]) or "f" * ("approved" in body["description"]) or "o"
    if answer.status_code in LETTERS:
        return LETTERS[answer.status_code]
    return "o" if answer.status_code in (200, 201, 202, 302) else str(answer.status_code)
