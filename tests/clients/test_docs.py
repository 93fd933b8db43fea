"""docs/clients.md says what is there."""

import re
from pathlib import Path

from skinapi.web.access import Opened, Public
from skinapi.web.declaration import declared_routes
from tests.clients.test_screens import CASES, CLIENTS
from tests.support.backends import Backend

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()


def test_every_route_that_needs_no_token_is_listed_and_no_other(backend: Backend) -> None:
    _, _, listed = PAGE.partition("## Routes that need no token")
    named = set(re.findall(r"`(GET|POST) (/[^` ]*)`", listed))
    open_routes = {
        (route.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path))
        for route in declared_routes(backend.app)
        if isinstance(route.access, Opened | Public)
    }
    assert named == open_routes


def test_every_case_that_the_pages_are_shown_is_listed_for_every_client() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1 : len(CLIENTS) + 1]
    assert len(sections) == len(CLIENTS)
    for name in CASES:
        word = re.match(r"\w+", name)
        assert word
        for section in sections:
            assert word[0] in section, f"{name}: {section.splitlines()[0]}"
