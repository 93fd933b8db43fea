"""A language that lacks any word ends the start: its readers would get another language."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import skinapi
from skinapi.base import languages
from skinapi.base.languages import LANGUAGES, Language, load_words, read_yaml
from skinapi.findings.reports.words import Labels
from tests.support.size import in_drill
from tests.support.third_language import PLACES, copy_with_german

PACKAGE = Path(skinapi.__file__).parent
TRIED = PLACES[::6]
START = """
import skinapi.app.application
from skinapi.app.areas import list_areas
from skinapi.console.routes import read_assets
read_assets(list_areas())  # read where a server is made
from skinapi.model.passages import passages_table
passages_table()  # read when the first finding is explained
"""


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=folder, text=True, timeout=120
    )


@pytest.mark.parametrize("place", [*TRIED, *in_drill(*sorted({*PLACES} - {*TRIED}))])
def test_a_third_language_that_is_missing_anywhere_is_refused(tmp_path: Path, place: str) -> None:
    copy_with_german(tmp_path, without=place)
    done = run_in(tmp_path, "-c", START)
    assert done.returncode == 1
    lacking = rf"^(?:ValueError: No words in: de|.+\.de|FileNotFoundError: .+{re.escape(place)}')$"
    assert re.search(lacking, done.stderr, re.MULTILINE)


def test_a_third_language_is_its_folder_and_is_read_everywhere(tmp_path: Path) -> None:
    """Only the medical sentences need a change in an existing file."""
    copy_with_german(tmp_path)
    done = run_in(tmp_path, "-m", "tests.support.german_reader")
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


@pytest.mark.parametrize(("key", "at"), [("title", None), ("age", "facts")])
def test_a_text_that_one_language_lacks_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, key: str, at: str | None
) -> None:
    def read(package: str, file: str, language: Language) -> Any:
        written = read_yaml(package, f"words/{language}/{file}.yaml")
        if language == "fr":
            labels = written["labels"]
            del (labels[at] if at else labels)[key]
        return written

    monkeypatch.setattr(languages, "_read_words", read)
    with pytest.raises(ValueError, match=rf"\b{key}\b"):
        load_words("reports.labels", Labels)


def placeholders_in(value: Any, at: str = "") -> Iterator[tuple[str, list[str]]]:
    if isinstance(value, str):
        yield at, sorted(re.findall(r"\{\w*\}", value))
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from placeholders_in(part, f"{at}.{key}")


ENGLISH = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("**/words/en/*.yaml"))


@pytest.mark.parametrize("file", ENGLISH)
def test_every_language_has_the_same_words_with_the_same_placeholders(file: str) -> None:
    english, *others = (
        dict(placeholders_in(read_yaml("skinapi", file.replace("/en/", f"/{language}/"))))
        for language in LANGUAGES
    )
    assert len(english) > 1
    assert all(other == english for other in others)


@pytest.mark.parametrize("file", sorted(str(path) for path in PACKAGE.rglob("*.yaml")))
def test_no_key_stands_twice(file: str) -> None:
    """YAML takes the last one, so the text before it would be lost."""
    nodes = [yaml.compose(Path(file).read_text("utf-8"), yaml.CSafeLoader)]
    for node in nodes:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len({*keys})
            nodes.extend(part for _, part in node.value)
        elif isinstance(node, yaml.SequenceNode):
            nodes.extend(node.value)


# Put together, or read with its whole table.
NOT_NAMED = {"plain_phone", "cancer_phone", "spread"}
# What an area did is in the file of a person also when the area is gone.
NOT_NAMED |= {"account.link", "account.unlink", "account.allow_link", "archive.send_again"}
# Only 2.0.0 wrote these into the audit trail.
NOT_NAMED |= {"account.undo", "account.unrefuse", "breakglass.end", "case.close_opinion"}
NOT_NAMED |= {"case.give_back", "case.take"}


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(keys_in, value.values()))
    return set().union(*map(keys_in, value)) if isinstance(value, list) else set()


def test_every_word_of_the_server_is_used() -> None:
    """A missing word ends the start. tests/console/test_static.py checks the console's own
    words.
    """
    paths = [path for kind in ("*.py", "*.html") for path in PACKAGE.rglob(kind)]
    source = "\n".join(path.read_text("utf-8") for path in paths)
    labels = re.findall(r"key: (\w+)", (PACKAGE / "model/conditions.yaml").read_text("utf-8"))
    known = {*re.findall(r"\.(\w+)", source), *labels} | NOT_NAMED
    known |= {*re.findall(r'"([^"\n]+)"', source), *re.findall(r"'(\w+)'", source)}
    for file in ENGLISH:
        assert "/console" in file or keys_in(read_yaml("skinapi", file)) <= known, file


def test_nowhere_is_one_language_what_is_left_of_another() -> None:
    asking = re.compile(
        r"""\bif\b[^\n]*[!=]=\s*["'](?:en|fr)["']\s+else|[!=]==?\s*["'](?:en|fr)["']\s*\?"""
    )
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")]
    found = [path.name for path in sources if asking.search(path.read_text("utf-8"))]
    assert found == []
