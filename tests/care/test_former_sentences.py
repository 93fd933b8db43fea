"""An edited draft may keep sentences that the software wrote about a former decision. Each is
marked until its doctor has looked at it.
"""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.care.letter_check import blank_facts, split_sentences
from skinapi.care.letter_texts import list_own_sentences
from skinapi.findings.records.letters import ADDRESSEES, Addressee
from tests.care.test_letters import Practice
from tests.support.backends import Backend
from tests.support.size import in_drill, size

MOLE, MELANOMA, BCC = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
DECISIONS: dict[str, dict[str, Any]] = {
    "mole": {"label": MOLE, "urgency": "self_monitoring"},
    "unsure": {"label": MOLE, "certainty": "suspected"},
    "sent": {"label": MOLE, "urgency": "referral"},
    "normal": {"label": "normal_skin", "urgency": "self_monitoring"},
    "melanoma": {"label": MELANOMA},
    "possible": {"label": "squamous_cell_carcinoma", "certainty": "suspected"},
    "carcinoma": {"label": BCC},
    "keratosis": {"label": "actinic_keratosis_alone", "urgency": "doctor_review"},
    "bowen": {"label": "bowens_disease"},
    "awaited": {"label": MELANOMA, "sample": "waiting"},
    "result melanoma": {"label": MELANOMA, "certainty": "laboratory"},
    "result mole": {"label": MOLE, "certainty": "laboratory", "urgency": "self_monitoring"},
    "result inflammatory": {"label": "inflammatory", "certainty": "laboratory"},
    "photo": {"label": None, "photo_wanted": True},
    "open": {"label": None, "urgency": "referral"},
}
CHANGES = (
    ("carcinoma", "melanoma"),
    ("mole", "melanoma"),
    ("melanoma", "mole"),
    ("awaited", "result melanoma"),
    ("awaited", "result mole"),
    ("awaited", "mole"),
    ("photo", "mole"),
    ("result melanoma", "result mole"),
    ("result mole", "awaited"),
)
# A doctor may write these about any decision.
WRITTEN: dict[Language, str] = {
    "en": "I look forward to the concert.",
    "fr": "Je me réjouis du concert.",
}
# A random walk found this.
LEFT_OVER = {
    ("carcinoma", "melanoma"): (
        "It very rarely spreads to other parts of the body.",
        "Doctors usually remove it by a small operation.",
    ),
    ("awaited", "result mole"): (
        "The laboratory's result is not there yet.",
        "Only the result can tell what the spot is.",
    ),
    ("awaited", "mole"): ("The laboratory's result is not there yet.",),
    ("photo", "mole"): ("it does not show enough for me to judge the spot.",),
}


class Author(Practice):
    def decide(self, name: str) -> None:
        self.review(**{"sample": "none", **DECISIONS[name]})

    def list_sentences_for_now(self, like: dict[str, Any]) -> list[str]:
        draft = self.draft(like["reader"], language=like["language"])
        self.doctor.call("DELETE", f"/letters/{draft['_id']}")
        return split_sentences(draft["text"])

    def edit(self, draft: dict[str, Any]) -> None:
        before, _, closing = draft["text"].rpartition("\n\n")
        text = f"{before}\n\n{WRITTEN[draft['language']]}\n\n{closing}"
        assert self.change(draft, text).status_code == 200

    def see(self) -> dict[str, Any]:
        (shown,) = self.shown_to(self.doctor)
        draft: dict[str, Any] = shown
        return draft


@pytest.mark.parametrize(
    ("change", "reader", "language"), [*product(CHANGES, ADDRESSEES, LANGUAGES)][:: size(3, 1)]
)
def test_what_the_software_wrote_of_a_former_decision_is_marked_in_an_edited_draft(
    shared_backend: Backend, change: tuple[str, str], reader: Addressee, language: Language
) -> None:
    at = Author(shared_backend, reviewed=False)
    at.sort_into_spot("left")
    at.decide(change[0])
    at.edit(at.draft(reader, language=language))
    assert "marked" not in at.see()
    at.decide(change[1])
    shown = at.see()
    marked = {item["sentence"]: item["differs"] for item in shown["marked"]}
    current = at.list_sentences_for_now(shown)
    kept = [item for item in split_sentences(shown["text"]) if item not in current]
    assert [*marked] == [item for item in kept if item != WRITTEN[language]]
    assert all("former" in differs for differs in marked.values())
    if (reader, language) == ("patient", "en"):
        for sentence in LEFT_OVER.get(change, ()):
            assert any(sentence in item for item in marked), sentence
    for confirmed in ([], [*marked][1:]):
        refused = at.sign(shown, confirmed=confirmed).get_json()
        assert refused["code"] == "letter_unconfirmed"
    assert at.sign(shown, confirmed=[*marked]).status_code == 200


def test_storing_the_text_under_the_new_decision_unmarks_nothing(any_backend: Backend) -> None:
    """The console stores a text before it signs it."""
    at = Author(any_backend, reviewed=False)
    at.decide("awaited")
    at.edit(at.draft())
    at.decide("result mole")
    shown = at.see()
    text = f"{shown['text']}\n\nSee you soon."
    stored = at.change(shown, text, spot_version=shown["spot_version"]).get_json()
    assert stored["marked"] == shown["marked"] != []
    assert at.sign(stored, confirmed=[]).get_json()["code"] == "letter_unconfirmed"


def test_a_sentence_of_the_software_that_a_doctor_writes_of_one_decision_is_not_marked(
    shared_backend: Backend,
) -> None:
    at = Author(shared_backend, reviewed=False)
    at.decide("melanoma")
    written = "If it grows, bleeds or changes, show it to a doctor."
    draft = at.draft()
    assert "marked" not in at.change(draft, f"{draft['text']}\n\n{written}").get_json()


def test_of_a_sentence_that_both_decisions_have_only_its_facts_differ(
    shared_backend: Backend,
) -> None:
    at = Author(shared_backend, reviewed=False)
    spot = at.sort_into_spot("left")
    at.decide("mole")
    at.edit(at.draft())
    place = {"site": "neck"}
    assert at.ada.call("PATCH", f"/lesions/{spot}", json={"place": place}).status_code == 200
    at.decide("melanoma")
    shown = at.see()
    assert not any("Thank you for the photo" in item["sentence"] for item in shown["marked"])


@pytest.mark.parametrize("phone", ["+41 21 555 01 01", *in_drill("(021) 555-01 01", None)])
def test_every_sentence_that_a_decision_brings_into_a_draft_is_known(
    tmp_path: Path, phone: str | None
) -> None:
    at = Author(Backend(tmp_path, clinic_phone=phone), reviewed=False)
    at.sort_into_spot("right")
    # Only another result can change the decision about a result.
    for name in sorted(DECISIONS, key=lambda name: name.startswith("result")):
        at.decide(name)
        for reader in ADDRESSEES:
            for language in LANGUAGES:
                known = list_own_sentences(reader, language)
                said = at.list_sentences_for_now({"reader": reader, "language": language})
                # The greeting, with whom and what it is about, and the closing.
                own = said[(1 if reader == "patient" else 3) : -1]
                assert own
                assert [item for item in own if blank_facts(item) not in known] == [], name
