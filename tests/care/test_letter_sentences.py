from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from skinapi.care.letter_check import Decided, Differs, mark_sentences
from skinapi.model.conditions import Band
from tests.care.test_letter_reading import reading
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend
from tests.support.openrouter import KEY, OpenRouter

SENTENCES = Path(__file__).with_name("letter_sentences.yaml")
CASES: list[dict[str, Any]] = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
BLIND: list[dict[str, Any]] = yaml.safe_load(
    SENTENCES.with_stem("letter_sentences_blind").read_text(encoding="utf-8")
)


def marked_of(at: Practice, reader: str, language: str, sentence: str) -> list[dict[str, Any]]:
    draft = at.draft(reader, language=language)
    marked: list[dict[str, Any]] = at.change(draft, sentence).get_json().get("marked", [])
    at.doctor.call("DELETE", f"/letters/{draft['_id']}")
    return marked


def test_what_contradicts_is_marked_and_little_else(shared_backend: Backend) -> None:
    told: dict[str, Counter[str]] = defaultdict(Counter)
    wrong = []
    for case in CASES:
        at = Practice(shared_backend, reviewed=False)
        at.review(**case["review"])
        for kind in ("natural", "wrong", "later_natural", "later_wrong"):
            for [(language, sentence)] in (item.items() for item in case.get(kind, ())):
                marked = marked_of(at, case["reader"], language, sentence)
                told[kind].update(all=1, marked=len(marked) > 0)
                if kind.endswith("wrong") is not bool(marked):
                    wrong.append(sentence)
    assert told == {
        "natural": {"all": 30, "marked": 1},
        "wrong": {"all": 30, "marked": 30},
        "later_natural": {"all": 20, "marked": 0},
        "later_wrong": {"all": 42, "marked": 39},
    }, wrong


@pytest.mark.parametrize(
    ("consent", "marked"),
    [(True, {"wrong": 100, "natural": 10}), (False, {"wrong": 47, "natural": 18})],
    ids=["read by a careful model", "by lists of words"],
)
def test_sentences_of_somebody_who_does_not_know_the_check_are_marked(
    tmp_path: Path, llm: OpenRouter, consent: bool, marked: dict[str, int]
) -> None:
    """Another model, which saw the questions alone, wrote the model's answers."""
    backend = Backend(tmp_path, openrouter_api_key=KEY, openrouter_url=llm.url)
    found, failures = Counter[str](), list[str]()
    for case in BLIND:
        llm.behave = reading(*case.get("wrong", ()), *case.get("read", ()))
        at = of_case(backend, case, consent=consent)
        said = {item: kind for kind in marked for item in case.get(kind, ())}
        fields = {"language": case["language"], "key_words": case["key_words"]}
        draft = at.draft(case["reader"], **fields)
        shown = at.change(draft, "\n\n".join(said)).get_json().get("marked", [])
        sentences = {item["sentence"] for item in shown}
        found.update(said[item] for item in sentences)
        failures += [item for item in said if (item in sentences) is not (said[item] == "wrong")]
    assert found == marked, failures


def of_case(backend: Backend, case: dict[str, Any], *, consent: bool) -> Practice:
    at, facts = Practice(backend, reviewed=False), case["facts"]
    at.agree(llm=consent)
    told = {
        "age": facts["age_band"][:2].rstrip("-"),
        "sex": facts["sex"],
        "body_site": facts["site"],
        "body_laterality": facts["side"],
        "checklist": "none" if facts["signs"] == "none" else ",".join(facts["signs"]),
    }
    at.number = predicted(at.ada, **told)["id"]
    at.review(**case["decision"])
    return at


def test_the_time_of_a_review_allows_no_number_but_itself() -> None:
    said = "Reviewed by Dr Grey, 28 November 2026, 10:20 UTC"
    decided = Decided(
        labels=frozenset(), band=Band.REFERRAL, sure=True, proven=False, waits=False, own=said
    )
    text = "One in 20 is serious. It was reviewed at 10:20. It was reviewed at 10:21."
    marked = mark_sentences(text, decided, "en")
    assert [(item.sentence[:3], item.differs) for item in marked] == [
        ("One", (Differs.NUMBER,)),
        ("It ", (Differs.TIME,)),
    ]


def test_of_actinic_keratosis_alone_a_letter_names_no_bowens_disease_and_no_cancer() -> None:
    labels = frozenset({"actinic_keratosis_alone"})
    decided = Decided(labels, Band.DOCTOR_REVIEW, sure=True, proven=False, waits=False, own="")
    natural, wrong = "You have an actinic keratosis.", "This is Bowen's disease."
    marked = mark_sentences(f"{natural} {wrong} It is a melanoma.", decided, "en")
    assert [item.sentence for item in marked] == [wrong, "It is a melanoma."]
    french = mark_sentences(
        "C'est une kératose actinique. C'est une maladie de Bowen.", decided, "fr"
    )
    assert [item.sentence for item in french] == ["C'est une maladie de Bowen."]
