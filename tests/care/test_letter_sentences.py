"""How many sentences of letters are marked: of natural ones, and of those that contradict."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import yaml

from skinapi.care.letter_check import Decided, Differs, mark_sentences
from skinapi.model.conditions import Band
from tests.care.test_letters import Practice
from tests.support.backends import Backend

SENTENCES = Path(__file__).with_name("letter_sentences.yaml")
CASES: list[dict[str, Any]] = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))


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
                refused = any(item["refused"] for item in marked)
                told[kind].update(all=1, marked=len(marked) > 0, refused=refused)
                if kind.endswith("wrong") is not bool(marked):
                    wrong.append(sentence)
    assert told == {
        "natural": {"all": 30, "marked": 1, "refused": 0},
        "wrong": {"all": 30, "marked": 30, "refused": 7},
        "later_natural": {"all": 20, "marked": 0, "refused": 0},
        "later_wrong": {"all": 42, "marked": 39, "refused": 6},
    }, wrong


def test_the_time_of_a_review_allows_no_number_but_itself() -> None:
    said = "Reviewed by Dr Grey, 28 November 2026, 10:20 UTC"
    decided = Decided(
        labels=frozenset(), band=Band.REFERRAL, sure=True, proven=False, waits=False, said=said
    )
    text = "One in 20 is serious. It was reviewed at 10:20. It was reviewed at 10:21."
    marked = mark_sentences(text, decided, "en")
    assert [(item.sentence[:3], item.differs) for item in marked] == [
        ("One", (Differs.NUMBER,)),
        ("It ", (Differs.TIME,)),
    ]


def test_of_actinic_keratosis_alone_a_letter_names_no_bowens_disease_and_no_cancer() -> None:
    labels = frozenset({"actinic_keratosis_alone"})
    decided = Decided(labels, Band.DOCTOR_REVIEW, sure=True, proven=False, waits=False, said="")
    natural, wrong = "You have an actinic keratosis.", "This is Bowen's disease."
    marked = mark_sentences(f"{natural} {wrong} It is a melanoma.", decided, "en")
    assert [item.sentence for item in marked] == [wrong, "It is a melanoma."]
    french = mark_sentences(
        "C'est une kératose actinique. C'est une maladie de Bowen.", decided, "fr"
    )
    assert [item.sentence for item in french] == ["C'est une maladie de Bowen."]
