"""Every route called by every role, for data of one account."""

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.web.declaration import Route, closed_to, route_of
from tests.support.access import GRANTED, OPENED, PEOPLE, ROWS, SampleAccounts
from tests.support.backends import MAIL, Backend

LETTERS = {401: "u", 403: "f", 404: "n"}
REFUSALS = {
    "You are not logged in. Please log in.": "u",
    closed_to("lab"): "u",
    "Your log-in is not valid any more. Please log in again.": "u",
    "Your account may not do this.": "f",
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """As in production: no client without a token is let in."""
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
    """An admin with a grant reads its finding too, and nothing else that an admin may not."""
    row, route = ROWS[name], declared(backend)[name]
    wanted = dict(zip(PEOPLE, row.who, strict=True))
    if name in OPENED or wanted["admin"] != "o":
        wanted[GRANTED] = "o" if name in OPENED else wanted["admin"]
    accounts.restore()
    # Who may goes last: the others are refused what is there.
    for who in sorted(wanted, key=lambda item: wanted[item] == "o"):
        answer = ask(accounts, who, route.method, name)
        assert letter(answer) == wanted[who], f"{who}: {answer.text[:200]}"
        if route.method != "GET" and wanted[who] == "o":
            accounts.restore()


def ask(accounts: SampleAccounts, who: str, method: str, name: str) -> TestResponse:
    accounts.caller = person = accounts.people[who]
    row = ROWS[name]
    path, options = row.path.format_map(accounts.named), row.options(accounts)
    if person is None:
        return accounts.backend.app.test_client().open(path, method=method, **options)
    return person.call(method, path, **options)


def letter(answer: TestResponse) -> str:
    """The lab's client takes every answer but 200 for leave to invent one."""
    assert answer.status_code < 500, answer.text
    if answer.is_json and "class_id" in (body := answer.get_json()):
        return REFUSALS.get(body["description"]) or "f" * ("approved" in body["description"]) or "o"
    if answer.status_code in LETTERS:
        return LETTERS[answer.status_code]
    return "o" if answer.status_code in (200, 201, 202, 302) else str(answer.status_code)
