"""A language that lacks words anywhere ends the start: its readers would get another language."""

import importlib
import re
from pathlib import Path

import pytest

import skinapi
from skinapi import languages
from skinapi.languages import InLanguages
from skinapi.reports.pages import labels
from skinapi.reports.text import catalogues
from skinapi.vision.conditions import ConditionsTable, conditions_table


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "LANGUAGES", ("en", "fr", "de"))


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("words", [catalogues, labels])
def test_words_by_language_miss_none(words: object) -> None:
    with pytest.raises(ValueError, match="No words in: de"):
        importlib.reload(words)  # type: ignore[arg-type]


@pytest.mark.usefixtures("german")
def test_a_text_in_every_language_misses_none() -> None:
    with pytest.raises(ValueError, match="No words in: de"):
        type("Said", (InLanguages,), {"__annotations__": {"en": str, "fr": str}})


def test_the_table_of_conditions_misses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = conditions_table().model_dump(by_alias=True)
    ConditionsTable.model_validate(plain)
    monkeypatch.setattr(languages, "LANGUAGES", ("en", "fr", "de"))
    with pytest.raises(ValueError, match="No words in: de"):
        ConditionsTable.model_validate(plain)


def test_nowhere_is_one_language_what_is_left_of_another() -> None:
    """`fr if language == "fr" else en` made a third language silently English."""
    package = Path(skinapi.__file__).parent
    asking = re.compile(r"""\bif\b[^\n]*[!=]=\s*["'](?:en|fr)["']\s+else""")
    found = [path.name for path in package.rglob("*.py") if asking.search(path.read_text())]
    assert found == []
