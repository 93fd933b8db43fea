"""A language that lacks words anywhere ends the start: its readers would get another language."""

import json
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import skinapi
from skinapi.base.languages import load_words
from skinapi.base.words_fr import reports
from skinapi.findings.reports.words import Labels
from tests.repository.documents import ROOT
from tests.support.size import in_drill
from tests.support.third_language import PLACES, WORDS

# Each is a start of the application.
TRIED = [*PLACES, *WORDS][::4]


def started(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.support.third_language", *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, text=True, timeout=120
    )


@pytest.mark.parametrize("place", [*TRIED, *in_drill(*sorted({*PLACES, *WORDS} - {*TRIED}))])
def test_a_third_language_that_is_missing_anywhere_ends_the_start(place: str) -> None:
    done = started(place)
    assert done.returncode == 1
    lacking = (
        r"^(?:ValueError: No words in: de|.+\.de|.+No module named 'skinapi\.base\.words_de\.\w+')$"
    )
    assert re.search(lacking, done.stderr, re.MULTILINE)


def test_a_third_language_is_read_everywhere() -> None:
    done = started()
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    for place, text in read.items():
        assert len(text) > 50, place
        english = re.findall(r"(?<!\S)\(?([A-Z]?[a-z]*[aeiou][a-z]*)[.,;:)]*(?!\S)", text)
        # Hexadecimal digits may be letters alone: a group of a hash, the last line of an address.
        words = {word for word in english if not re.fullmatch("[a-f]{1,5}", word)}
        assert words <= {"Ada", "Example"}, place
    for place in ("html", "pdf"):  # a patient's report has no percentage
        assert "99 %" in read[place], place
    assert "91,2 %" in read["template"]


@pytest.mark.parametrize(("key", "at"), [("title", None), ("female", "sexes")])
def test_a_text_that_one_language_lacks_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, key: str, at: str | None
) -> None:
    written: dict[str, Any] = deepcopy(reports.LABELS)
    del (written[at] if at else written)[key]
    monkeypatch.setattr(reports, "LABELS", written)
    with pytest.raises(ValueError, match=rf"\b{key}\b"):
        load_words("reports.LABELS", Labels)


def test_nowhere_is_one_language_what_is_left_of_another() -> None:
    asking = re.compile(
        r"""\bif\b[^\n]*[!=]=\s*["'](?:en|fr)["']\s+else|[!=]==?\s*["'](?:en|fr)["']\s*\?"""
    )
    package = Path(skinapi.__file__).parent
    sources = [*package.rglob("*.py"), *package.rglob("*.js")]
    found = [path.name for path in sources if asking.search(path.read_text("utf-8"))]
    assert found == []
