"""A language that lacks words anywhere ends the start: its readers would get another language."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skinapi
from skinapi.languages import require_same_keys
from skinapi.reports.pages.labels import LABELS
from tests.repository.documents import ROOT
from tests.support.size import in_drill
from tests.support.third_language import PLACES

# Each is a start of the application.
TRIED = [*PLACES][::4]


def started(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.support.third_language", *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, text=True, timeout=120
    )


@pytest.mark.parametrize("place", [*TRIED, *in_drill(*sorted(PLACES.keys() - TRIED))])
def test_a_third_language_that_is_missing_anywhere_ends_the_start(place: str) -> None:
    done = started(place)
    assert done.returncode == 1
    assert re.search(r"^(?:ValueError: No words in: de|.+\.de)$", done.stderr, re.MULTILINE)


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
        assert "99,64 %" in read[place], place
    assert "91,2 %" in read["template"]


def test_a_value_without_a_text_in_one_language_ends_the_start() -> None:
    lacking = {name: said for name, said in LABELS["fr"].sexes.items() if name != "female"}
    french = LABELS["fr"].model_copy(update={"sexes": lacking})
    require_same_keys(LABELS)
    with pytest.raises(ValueError, match=r"sexes in fr, unlike en: \['female'\]"):
        require_same_keys({**LABELS, "fr": french})


def test_nowhere_is_one_language_what_is_left_of_another() -> None:
    """`fr if language == "fr" else en` made a third language silently English."""
    asking = re.compile(
        r"""\bif\b[^\n]*[!=]=\s*["'](?:en|fr)["']\s+else|[!=]==?\s*["'](?:en|fr)["']\s*\?"""
    )
    package = Path(skinapi.__file__).parent
    sources = [*package.rglob("*.py"), *package.rglob("*.js")]
    found = [path.name for path in sources if asking.search(path.read_text("utf-8"))]
    assert found == []
