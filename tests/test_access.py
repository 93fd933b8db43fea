"""Every route called by every role, for data of one account."""

from functools import cache

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.web.declaration import Route, closed_to, route_of
from tests.support.access import GRANTED, OPENED, PEOPLE, ROWS, SampleAccounts
from tests.support.backends import MAIL, Backend

LETTERS = {401: "u", 403: "f", 404: "n"}
REFUSALS = {
    "Missing Authorization Header. Please log in again.": "u",
    closed_to("lab"): "u",
    "Invalid token. Please log in again.": "u",
    "Unauthorized": "f",
}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """As in production: no client without a token is let in."""
    return Backend(tmp_path_factory.mktemp("access"), environment="production", **MAIL)


@cache
def untouched(backend: Backend) -> SampleAccounts:
    """For all that only reads or is refused: to make these people takes longer than to ask."""
    return SampleAccounts(backend)


@cache
def changed(backend: Backend) -> SampleAccounts:
    """For what is allowed, as long as it is: who may is there whatever was asked before."""
    return SampleAccounts(backend)


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
def test_each_role_gets_exactly_the_status_of_its_row(backend: Backend, name: str) -> None:
    """An admin with a grant reads its finding too, and nothing else that an admin may not."""
    row, route = ROWS[name], declared(backend)[name]
    wanted = dict(zip(PEOPLE, row.who, strict=True))
    if name in OPENED or wanted["admin"] != "o":
        wanted[GRANTED] = "o" if name in OPENED else wanted["admin"]
    shared = route.method == "GET" or not row.prepares
    accounts = untouched(backend) if shared else SampleAccounts(backend)
    # Who may goes last: what is deleted then was there for all who may not.
    for who in sorted(wanted, key=lambda one: wanted[one] == "o"):
        if wanted[who] == "o" and route.method != "GET" and accounts is untouched(backend):
            accounts = changed(backend)
        answer = ask(accounts, who, route.method, name)
        if letter(answer) != wanted[who] and shared:
            changed.cache_clear()  # an earlier request has changed what this one needs
            accounts = changed(backend)
            answer = ask(accounts, who, route.method, name)
        assert letter(answer) == wanted[who], f"{who}: {answer.text[:200]}"


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
