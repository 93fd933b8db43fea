from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from skinapi.base.days import say_day
from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.records.letters import ADDRESSEES, Addressee
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.passages import passages_table
from tests.care.clinic import file_for
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import one_line, plain_text, text_of
from tests.support.backends import Backend

MOLE, MELANOMA = "melanocytic_nevus", "melanoma"
REVIEWS: dict[str, dict[str, Any]] = {
    "mole": {"label": MOLE, "urgency": "self_monitoring"},
    "suspected": {"label": MELANOMA},
    "proven": {"label": MELANOMA, "certainty": "laboratory"},
    "benign": {"label": "benign_keratosis", "certainty": "laboratory"},
    "awaited": {"label": MELANOMA, "sample": "waiting"},
    "photo": {"label": None, "certainty": "suspected", "photo_wanted": True},
}
# Texts of doctors: some were once refused, some differ from the decision.
WRITTEN = (
    "The stitches stay for about ten days.",
    "Please take two tablets of paracetamol if it hurts.",
    "Dr Anna Moser in Heidelberg will see you on 3 December.",
    "The margin was 4 mm, and 9 of 10 such cases are cured.",
    "I do not think that it is harmless.",
    "<b>See</b> https://example.org & *rest*.",
    "Les points restent une dizaine de jours.",
)


def read_page(at: Practice) -> str:
    return one_line(plain_text(at.report("report.html").text))


def read_pdf(at: Practice) -> str:
    return text_of(at.report("report.pdf").data)


@pytest.mark.parametrize("reader", ADDRESSEES)
def test_the_decision_heads_every_rendering_whatever_the_doctor_writes(
    shared_backend: Backend, reader: Addressee
) -> None:
    at = Practice(shared_backend)
    spot = at.spot
    draft = at.draft(reader)
    lines = draft["decision"].splitlines()
    assert "elanoma" in lines[0]
    assert lines[-1].startswith("Reviewed by Dr Grace Hopper, ")
    assert at.sign(draft, "\n".join(WRITTEN)).status_code == 200
    said = at.report().get_json()["letters"], at.shown_to(at.ada), at.shown_to(at.doctor)
    for shown in (*said, at.ada.call("GET", f"/lesions/{spot}/letters").get_json()):
        assert [item["decision"] for item in shown] == [draft["decision"]]
    for text in (read_page(at), read_pdf(at)):
        letter = text.partition(
            f"Doctor's letter to {'the patient' if reader == 'patient' else 'a c'}"
        )[2]
        written = "Written and signed by Dr Grace Hopper"
        # A patient's page begins with the decision, so that the letter does not repeat it there.
        own = [] if reader == "patient" else lines
        assert one_line(lines[0]) in text
        places = [letter.find(one_line(item)) for item in (*own, written, *WRITTEN)]
        assert places == sorted(places)
        assert places[0] >= 0


def test_a_draft_before_a_review_begins_with_nothing_and_then_with_the_decision(
    shared_backend: Backend,
) -> None:
    at = Practice(shared_backend, reviewed=False)
    draft = at.draft()
    assert draft["decision"] == ""
    assert at.sign(draft).get_json()["code"] == "letter_unreviewed"
    at.review(MOLE, urgency="routine")
    (shown,) = at.shown_to(at.doctor)
    assert "mole" in shown["decision"]
    assert at.sign(shown).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", ADDRESSEES)
@pytest.mark.parametrize("name", REVIEWS)
def test_a_draft_says_nothing_that_the_decision_says(
    shared_backend: Backend, name: str, reader: Addressee, language: Language
) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.review(**{"certainty": "sure", **REVIEWS[name]})
    draft = at.draft(reader, language=language)
    table = conditions_table()
    for line in draft["decision"].splitlines():
        assert line not in draft["text"]
    for band in Band:
        said = table.band_words(band, language)
        for item in (said.label, said.next_step, said.first_step, said.doctor_label):
            assert item.rstrip(".") not in draft["text"]
    assert "marked" not in draft, "our own words differ from it in nothing"
    label = REVIEWS[name]["label"]
    explained = reader == "patient" and name not in ("photo", "awaited")
    what = passages_table().by_id(f"{label}.what").in_language(language) if label else ""
    assert (bool(what) and what in draft["text"]) is explained


@pytest.mark.parametrize("reader", ADDRESSEES)
def test_a_letter_about_any_photo_begins_with_the_current_review_of_its_spot(
    shared_backend: Backend, reader: Addressee
) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.review(MOLE, urgency="self_monitoring")
    spot = at.spot
    first, at.number = at.number, predicted(at.ada, lesion=spot)["id"]
    at.review(MELANOMA, certainty="laboratory")
    at.number = first
    lines = at.draft(reader)["decision"].splitlines()
    name = {"patient": "a melanoma", "colleague": "Melanoma"}[reader]
    assert lines[0] == f"Laboratory's result: {name}"
    assert lines[-1].startswith("Reviewed by ")


def test_an_urgent_photo_that_nobody_has_answered_comes_first(shared_backend: Backend) -> None:
    at = Practice(shared_backend, reviewed=False)
    at.review(MOLE, urgency="self_monitoring")
    spot = at.spot
    file_for(shared_backend, at.ada, Band.URGENT_REFERRAL, lesion=spot)
    instruction = at.ada.call("GET", f"/lesions/{spot}").get_json()["instruction"]
    day = say_day(date.fromisoformat(instruction["due"]), "en", weekday=True)
    lines = at.draft()["decision"].splitlines()
    assert lines[0] == f"{instruction['action']}. {instruction['sentence']} By {day}."
    assert "Doctor's decision: a mole. Reviewed by " in lines[-1]
    assert ". Since then: a new photo, on " in lines[-1]
    assert f"By {day}." in at.draft("colleague")["decision"]


def test_a_letter_says_where_the_spot_is_in_the_patients_language_and_not_what_they_call_it(
    shared_backend: Backend,
) -> None:
    at = Practice(shared_backend)
    assert at.ada.call("PATCH", "/me", json={"locale": "fr"}).status_code == 200
    place = {"site": "back", "laterality": "left"}
    spot = at.ada.call("POST", "/lesions", json={"place": place, "name": "Omoplate"}).get_json()
    at.number = predicted(at.ada, lesion=spot["id"])["id"]
    at.review(MOLE, urgency="routine")
    drafted = at.draft()
    assert "votre tache (dos, à gauche) du " in one_line(drafted["text"])
    assert "Omoplate" not in drafted["text"]
    assert drafted["language"] == "fr"
    assert at.draft(language="en")["text"].startswith("Dear Ada Example,")


@dataclass(frozen=True)
class Expected:
    review: dict[str, Any]
    patient: tuple[str, ...]
    colleague: tuple[str, ...]
    nowhere: tuple[str, ...] = ()


DRAFTS = {
    "proven": Expected(
        {"label": MELANOMA, "certainty": "laboratory"},
        (
            "The laboratory has examined",
            "it has found a melanoma.",
            "can usually be cured",
            "Surgery is the main treatment",
            "Call +41 21 555 01 01",
        ),
        ("The laboratory has found a melanoma. Would you please see the patient",),
        ("Thank you for the photo", "suspect", "examined under the microscope"),
    ),
    "suspected": Expected(
        {"label": MELANOMA},
        (
            "I suspect a melanoma. That is not certain yet",
            "doctors usually take out the whole spot",
        ),
        ("I suspect a melanoma. Would you please examine this lesion",),
        ("laboratory has",),
    ),
    "awaited": Expected(
        {"label": MELANOMA, "sample": "waiting"},
        ("A sample was taken", "as soon as I have it"),
        ("I am waiting for the laboratory's result, and will let you know of it.",),
        ("Thank you for the photo", "cancer"),
    ),
    "benign": Expected(
        {"label": "benign_keratosis", "urgency": "routine"},
        ("It is a benign keratosis.", "usually needs no treatment", "show it to a doctor"),
        ("My diagnosis is a benign keratosis.",),
        ("This group", "this answer", "suspect"),
    ),
    "not sure": Expected(
        {"label": "benign_keratosis", "certainty": "suspected", "urgency": "doctor_review"},
        ("I think that it is a benign keratosis, but I am not certain",),
        ("I think that it is a benign keratosis, but I am not certain",),
        ("harmless", "not cancer", "model", "estimate", "colour", "likely", "%", "in 10"),
    ),
    "another cancer": Expected(
        {"label": "other_malignant"},
        ("I suspect another malignant lesion.", "a sample will tell.\n\nMy notes"),
        ("I suspect another malignant lesion. Would you please examine this lesion",),
        ("this is what it means",),
    ),
    "a disease that the laboratory has found": Expected(
        {"label": "inflammatory", "certainty": "laboratory", "urgency": "doctor_review"},
        ("it has found an inflammatory skin disease.", "tell me at once"),
        ("found an inflammatory skin disease. Would you please examine this lesion?",),
        ("for your records",),
    ),
    "actinic keratosis": Expected(
        {"label": "actinic_keratosis"},
        ("actinic keratosis is a rough patch", "A doctor may watch a"),
        ("actinic keratosis",),
        ("This group", "this answer", "bring somebody"),
    ),
}


@pytest.mark.parametrize("name", DRAFTS)
def test_a_draft_without_a_model_is_a_letter_that_one_would_send(tmp_path: Path, name: str) -> None:
    expected = DRAFTS[name]
    at = Practice(Backend(tmp_path, clinic_phone="+41 21 555 01 01"), reviewed=False)
    at.review(**expected.review)
    for reader, wanted in (("patient", expected.patient), ("colleague", expected.colleague)):
        text = at.draft(reader, language="en", key_words="scar 4 cm; no pain")["text"]
        assert [item for item in wanted if item not in text] == [], text
        assert [item for item in expected.nowhere if item in text] == [], text
        assert "My notes: scar 4 cm; no pain\n" in text
    assert "marked" not in at.shown_to(at.doctor)[0], "the key words are said"


def test_the_sex_is_right_in_french_and_signs_are_told_only_where_they_were_asked(
    shared_backend: Backend,
) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"age": "78", "sex": "female"}, "Patiente de 75 ans ou plus."),
        ({"age": "78", "sex": "male"}, "Patient de 75 ans ou plus."),
        ({"sex": "female"}, "Il s'agit d'une patiente."),
        ({"age": "78"}, "Tranche d'âge: 75 ans ou plus."),
    )
    for told, expected in cases:
        at = Practice(shared_backend, reviewed=False)
        at.number = predicted(at.ada, **told)["id"]
        text = one_line(at.draft("colleague", language="fr")["text"]).replace(" :", ":")
        assert expected in text
        assert "signes" not in text.lower()
