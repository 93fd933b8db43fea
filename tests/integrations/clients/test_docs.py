"""docs/clients.md says what is there."""

import re
from pathlib import Path

from tests.integrations.clients.test_screens import CASES, CLIENTS

PAGE = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()


def test_every_case_that_the_pages_are_shown_is_listed_for_every_client() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1 : len(CLIENTS) + 1]
    assert len(sections) == len(CLIENTS)
    for name in CASES:
        word = re.match(r"\w+", name)
        assert word
        for section in sections:
            assert word[0] in section, f"{name}: {section.splitlines()[0]}"
