import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from werkzeug.test import TestResponse

from skinapi.platform.web.declaration import Route
from tests.support.access import PEOPLE, ROWS, SampleAccounts
from tests.support.backends import MAIL, Backend
from tests.test_access import declared

BODY = ("json", "data", "content_type")
REFUSED = (400, 415)


def is_refused(answer: TestResponse) -> bool:
    incomplete = answer.status_code == 422 and answer.get_json()["code"] == "incomplete_review"
    return answer.status_code in REFUSED or incomplete


class Described:
    def __init__(self, folder: Path, kept: Path) -> None:
        self.backend = Backend(folder, environment="production", **MAIL)
        self.routes = declared(self.backend)
        self.accounts = SampleAccounts(self.backend)
        self.accounts.keep(kept)
        self.paths = self.backend.client.get("/openapi.json").get_json()["paths"]

    def operation(self, name: str) -> dict[str, Any]:
        route = self.routes[name]
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
        found: dict[str, Any] = self.paths[path][route.method.lower()]
        return found

    def required(self, name: str) -> set[str]:
        parameters = self.operation(name)["parameters"]
        return {item["name"] for item in parameters if item["in"] == "query" and item["required"]}

    def ask(self, name: str, *, query: set[str], body: bool = True) -> TestResponse:
        """Call as somebody who is allowed, if anybody is, with only these of the row's
        parameters.
        """
        row, route, accounts = ROWS[name], self.routes[name], self.accounts
        accounts.restore()
        letter = next((one for one in "on" if one in row.who), "")
        who = PEOPLE[row.who.index(letter)] if letter else "user"
        accounts.caller = person = accounts.people[who]
        options = row.options(accounts)
        path, _, told = row.path.format_map(accounts.named).partition("?")
        given = {**dict(parse_qsl(told)), **options.pop("query_string", {})}
        options["query_string"] = {key: value for key, value in given.items() if key in query}
        if not body:
            options = {key: value for key, value in options.items() if key not in BODY}
        if person is None:
            return self.backend.app.test_client().open(path, method=route.method, **options)
        return person.call(route.method, path, **options)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Described:
    return Described(tmp_path_factory.mktemp("described"), tmp_path_factory.mktemp("kept"))


def has_body(route: Route) -> bool:
    return bool(route.body or route.form or route.parts)


@pytest.mark.parametrize("name", ROWS)
def test_what_is_not_required_may_be_left_out_and_what_is_may_not(
    api: Described, name: str
) -> None:
    required = api.required(name)
    assert api.ask(name, query=required).status_code not in REFUSED
    for parameter in required:
        answer = api.ask(name, query=required - {parameter})
        assert (answer.status_code, parameter in answer.text) == (400, True)
    if has_body(api.routes[name]):
        absent = api.ask(name, query=required, body=False)
        needed = api.operation(name)["requestBody"]["required"]
        assert is_refused(absent) == needed, absent.text
