"""French typography: every French text of the server has its no-break spaces, in Latin-1."""

from collections.abc import Iterator
from typing import Any

import pytest

from skinapi.base.languages import space_french
from skinapi.care.letter_drafts import LETTER_WORDS
from skinapi.findings.reports.words import LABELS, SENTENCES
from skinapi.model.conditions import conditions_table
from skinapi.platform.notices.mail_texts import WORDS
from tests.support.wording import wrong_spaces_in


def french_in(value: Any, *, french: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if french else []
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from french_in(part, french=french or key == "fr")
    elif isinstance(value, list | tuple):
        for part in value:
            yield from french_in(part, french=french)


FRENCH = {
    "table": list(french_in(conditions_table().model_dump())),
    "phrases": list(french_in(SENTENCES["fr"].model_dump(), french=True)),
    "letters": list(french_in(LETTER_WORDS["fr"].model_dump(), french=True)),
    "mails": list(french_in(WORDS["fr"].model_dump(), french=True)),
    "labels": list(french_in(LABELS["fr"].model_dump(), french=True)),
}


@pytest.mark.parametrize("place", FRENCH)
def test_every_french_text_has_its_no_break_spaces(place: str) -> None:
    assert len(FRENCH[place]) > 3
    assert [text for text in FRENCH[place] if wrong_spaces_in(text)] == []


@pytest.mark.parametrize("place", ["table", "phrases"])
def test_what_older_clients_print_stays_latin_1(place: str) -> None:
    "".join(FRENCH[place]).encode("latin-1")


@pytest.mark.parametrize(
    ("written", "set_"),
    [
        ("Le plus probable: Mélanome.", "Le plus probable\u00a0: Mélanome."),
        ("Le plus probable : Mélanome.", "Le plus probable\u00a0: Mélanome."),
        ("Un doute; lequel?", "Un doute\u00a0; lequel\u00a0?"),
        ("(lequel?)", "(lequel\u00a0?)"),
        ("« oui » ou «non»", "«\u00a0oui\u00a0» ou «\u00a0non\u00a0»"),
        ("https://example.org à 12:30", "https://example.org à 12:30"),
    ],
)
def test_a_mark_gets_its_space_however_it_was_written(written: str, set_: str) -> None:
    assert space_french(written) == space_french(space_french(written)) == set_
    assert wrong_spaces_in(set_) == []
    assert bool(wrong_spaces_in(written)) == (written != set_)
