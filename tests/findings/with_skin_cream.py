"""Runs in a copy to which test_told_facts.py has added the fact `skin_cream`."""

import json
from pathlib import Path
from typing import Any

from skinapi.console.routes import ASSETS
from tests.findings.prediction.photographer import send
from tests.findings.prediction.test_corrected_facts import changed, put
from tests.findings.prediction.test_judging_again import Corrected
from tests.findings.reports.sample_reports import text_of
from tests.privacy.made_files import made_for, read
from tests.support.backends import Backend

TOLD = {"skin_cream": "true"}
SAID = {"en": "Cream on the skin yes", "fr": "Crème sur la peau oui"}


def report(case: Corrected, language: str) -> str:
    query = {"lang": language}
    return text_of(case.ada.call("GET", f"{case.path}/report.pdf", query_string=query).data)


def test_it_is_described(backend: Backend) -> None:
    schemas = backend.client.get("/openapi.json").get_json()["components"]["schemas"]
    for schema in ("PhotoForm", "CorrectedFacts", "Context"):
        fact = schemas[schema]["properties"]["skin_cream"]
        assert fact["anyOf"] == [{"type": "boolean"}, {"type": "null"}]


def test_it_is_stored_corrected_and_taken_back(backend: Backend) -> None:
    case = Corrected(backend, **TOLD)
    before = case.read()
    assert before["context"]["skin_cream"] is True
    assert changed(put(case.ada, case, skin_cream=False)) == (2, ["skin_cream"], [])
    after = case.read()
    assert after["context"] == {**before["context"], "skin_cream": False}
    assert after["versions"][0]["context"]["skin_cream"] is True
    taken_back = put(case.ada, case, skin_cream=None, version=2)
    assert changed(taken_back) == (3, ["skin_cream"], ["skin_cream"])
    assert "skin_cream" not in case.read()["context"]
    assert send(case.ada, skin_cream="much").status_code == 400


def test_reports_say_it_in_each_language(backend: Backend) -> None:
    case = Corrected(backend, **TOLD)
    for language, said in SAID.items():
        assert said in report(case, language)
    put(case.ada, case, skin_cream=False)
    assert "corrected before: Cream on the skin" in report(case, "en")
    assert "Cream on the skin no" in report(case, "en")


def test_it_is_in_a_persons_file(backend: Backend, tmp_path: Path) -> None:
    case = Corrected(backend, **TOLD)
    [filed] = read(made_for(backend, case.ada, tmp_path / "file"))["findings"]
    assert filed["context"]["skin_cream"] is True


def test_the_console_asks_it_in_words_that_it_has() -> None:
    written = ASSETS["facts.js"].content.decode().partition("=")[2]
    fact: dict[str, Any] = json.loads(written.removesuffix(";\n"))["skin_cream"]
    assert fact["answers"] == {"true": "cream_yes", "false": "cream_no"}
    for language in SAID:
        words = json.loads(ASSETS[f"words.{language}.json"].content)
        assert {fact["asked"], fact["word"], *fact["answers"].values()} <= words.keys()
