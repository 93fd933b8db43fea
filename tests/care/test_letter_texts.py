"""What a drafted letter says, in both languages: to the patient what was decided and the one thing
to do; to a colleague the same first, and the model's answer in one sentence.
"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from skinapi.care.lesion_records import Place
from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.marks import mark_sentences, says_of_the_spot
from skinapi.care.letters.template import write_by_template
from skinapi.languages import LANGUAGES, NO_BREAK_SPACE, Language
from skinapi.records.instructions import Advice, SaidBy
from skinapi.records.letters import READERS, Reader
from skinapi.records.opinions import Certainty, Histology
from skinapi.vision.bands import RaisedBy
from skinapi.vision.calibration.detectors import ModalityFinding
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.context import Modality
from skinapi.vision.finding.ranking import rank
from tests.care.test_letter_marks import about, decided
from tests.care.test_letters import Practice
from tests.prediction.photographer import predicted
from tests.support.backends import Backend
from tests.support.findings import LITTLE_TESTED

MOLE, MELANOMA, KERATOSIS = "melanocytic_nevus", "melanoma", "benign_keratosis"
DECIDED_AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
BACK = Place(site="back", told_laterality="left")
UNSURE = Certainty.UNSURE
# Melanoma passes its threshold although it is the fifth likeliest.
SHARES = {
    "squamous_cell_carcinoma": 0.38,
    "benign_keratosis": 0.3,
    "actinic_keratosis": 0.16,
    "basal_cell_carcinoma": 0.1,
    "melanoma": 0.058,
    "dermatofibroma": 0.0015,
    "melanocytic_nevus": 0.0004,
    "vascular_lesion": 0.0001,
}
GRAVE = {
    "key": "squamous_cell_carcinoma",
    "ranked": rank(SHARES),
    "malignant_score": 0.698,
    "raised_by": (RaisedBy.SQUAMOUS_CELL_CARCINOMA, RaisedBy.MELANOMA),
}


def case(label: str | None, urgency: Band, finding: dict[str, Any], **said: Any) -> LetterFacts:
    decision = decided(label or MOLE, urgency).model_copy(
        update={"label": label, "decided_at": DECIDED_AT, **said}
    )
    return replace(about(**finding), decision=decision, spot="Left shoulder blade", place=BACK)


CASES = {
    "mole": case(MOLE, Band.SELF_MONITORING, {"key": MOLE, "band": Band.ROUTINE}),
    "melanoma": case(MELANOMA, Band.URGENT_REFERRAL, {}, histology=Histology.CONFIRMED),
    "benign": case(KERATOSIS, Band.ROUTINE, GRAVE, histology=Histology.CONFIRMED),
    "photo": case(
        None,
        Band.ROUTINE,
        {"key": MOLE, "band": Band.ROUTINE},
        certainty=UNSURE,
        new_picture_wanted=True,
    ),
    "open": case(None, Band.URGENT_REFERRAL, GRAVE, certainty=UNSURE),
    "awaited": case(MELANOMA, Band.URGENT_REFERRAL, {}, histology=Histology.AWAITED),
}
TO_PATIENT: dict[Language, dict[str, str]] = {
    "en": {
        "mole": "Here is my decision of 1 December 2026: the spot is a mole.\n\n"
        "Keep an eye on it; see a doctor if it changes. No appointment is needed.",
        "melanoma": "The laboratory's result is here. I decided by it on 1 December 2026: the "
        "spot is a melanoma.\n\n"
        "See a doctor this week. A skin specialist should talk with you about the result and what "
        "follows. If you have no appointment yet, call the doctor's practice today.",
        "benign": "The laboratory's result is here. I decided by it on 1 December 2026: the spot "
        "is a benign keratosis.\n\n"
        "Mention it at your next doctor's visit. See a doctor sooner if it changes, bleeds or "
        "worries you.",
        "photo": "On 1 December 2026 I could not say yet what the spot is.\n\n"
        "This picture is not good enough. Please take another photo of the same spot and send it "
        "within a few days; if the spot bleeds, grows or worries you, see a doctor without "
        "waiting.",
        "open": "On 1 December 2026 I could not say yet what the spot is.\n\n"
        "See a doctor this week. A skin specialist should see the spot. If you have no "
        "appointment yet, call the doctor's practice today.",
    },
    "fr": {
        "mole": "Voici ma décision du 1er décembre 2026 : la tache est un grain de beauté.\n\n"
        "À surveiller ; voir un médecin si cela change. Aucun rendez-vous n'est nécessaire.",
        "melanoma": "Le résultat du laboratoire est là. J'ai décidé d'après lui le 1er décembre "
        "2026 : la tache est un mélanome.\n\n"
        "Voir un médecin cette semaine. Un dermatologue doit parler avec vous du résultat et de la "
        "suite. Sans rendez-vous à ce jour, appeler le cabinet du médecin aujourd'hui.",
        "benign": "Le résultat du laboratoire est là. J'ai décidé d'après lui le 1er décembre "
        "2026 : la tache est une kératose bénigne.\n\n"
        "En parler à la prochaine visite chez le médecin. Consulter plus tôt si elle change, "
        "saigne ou inquiète.",
        "photo": "Le 1er décembre 2026, je n'ai pas encore pu dire ce qu'est la tache.\n\n"
        "Cette image ne suffit pas. Prendre une autre photo de la même tache et l'envoyer dans "
        "les prochains jours ; si la tache saigne, grandit ou inquiète, consulter un médecin sans "
        "attendre.",
        "open": "Le 1er décembre 2026, je n'ai pas encore pu dire ce qu'est la tache.\n\n"
        "Voir un médecin cette semaine. Un dermatologue doit voir la tache. Sans rendez-vous à "
        "ce jour, appeler le cabinet du médecin aujourd'hui.",
    },
}
FRAMES: dict[Language, str] = {
    "en": "Dear Ada Example,\n\nThis letter is about your spot “Left shoulder blade” (left back), "
    "photographed on 24 November 2026.\n\n{}\n\nKind regards\nDr Grace Hopper",
    "fr": "Bonjour Ada Example,\n\nCette lettre concerne votre tache « Left shoulder blade » (dos, "
    "à gauche), photographiée le 24 novembre 2026.\n\n{}\n\nCordialement\nDr Grace Hopper",
}


def draft(facts: LetterFacts, reader: Reader, language: Language) -> str:
    """Its spaces all of one kind."""
    return write_by_template(facts, reader, language).replace(NO_BREAK_SPACE, " ")


@pytest.mark.parametrize(
    ("language", "name"), [(one, name) for one in LANGUAGES for name in TO_PATIENT[one]]
)
def test_a_patient_reads_which_spot_what_was_decided_and_the_one_thing_to_do(
    name: str, language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = DECIDED_AT.replace(year=2027)  # the day until when has passed
    monkeypatch.setattr("skinapi.care.letters.template.now", lambda: later)
    text = FRAMES[language].format(TO_PATIENT[language][name])
    assert draft(CASES[name], "patient", language) == text


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en", "Do this by 8 December 2026 (Tuesday) at the latest."),
        ("fr", "À faire d'ici au 8 décembre 2026 (mardi)."),
    ],
)
def test_the_day_until_when_is_said_while_it_is_to_come(
    language: Language, day: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinapi.care.letters.template.now", lambda: DECIDED_AT)
    facts = replace(CASES["melanoma"], due=date(2026, 12, 8))
    assert f" {day}\n" in draft(facts, "patient", language)


def test_who_decided_is_named_where_another_doctor_writes() -> None:
    facts = replace(CASES["mole"], doctor="Dr Samira Haddad")
    said = "Here is the decision of Dr Grace Hopper of 1 December 2026: the spot is a mole."
    assert said in draft(facts, "patient", "en")


def test_an_awaited_result_is_said_with_what_to_do_until_then() -> None:
    text = draft(CASES["awaited"], "patient", "en")
    said = "A sample was taken. The laboratory's result is awaited. Keep the appointments"
    assert said in text
    assert "this week" not in text


def test_what_a_sample_is_to_show_is_suspected_until_then() -> None:
    suspected = {
        "en": ("Here is what I suspect, as of 1 December 2026: the spot looks like a melanoma.",),
        "fr": ("Voici ce que je soupçonne, au 1er décembre 2026", "la tache ressemble à un mél"),
    }
    confirmed = {"en": ", to be confirmed: Melanoma.", "fr": ", à confirmer : Mélanome."}
    for language in LANGUAGES:
        text = draft(CASES["awaited"], "patient", language)
        assert all(said in text for said in suspected[language])
        assert confirmed[language] in draft(CASES["awaited"], "colleague", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_a_colleague_reads_what_was_decided_before_the_models_one_sentence(
    name: str, language: Language
) -> None:
    facts = CASES[name]
    parts = draft(facts, "colleague", language).split("\n\n")
    decided = next(place for place, part in enumerate(parts) if "Dr Grace Hopper)" in part)
    (model,) = (place for place, part in enumerate(parts) if "%" in part)
    assert decided < model == len(parts) - 2
    earlier = {"en": "earlier than the decision", "fr": "antérieure à la décision"}
    assert (earlier[language] in parts[model]) is (name != "photo")
    assert "pixel" not in "".join(parts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_colleague_reads_what_qualifies_the_models_answer(language: Language) -> None:
    """Neither that the photo could not be judged nor for which skin the model was not tested."""
    assert {
        "en": "of a photo that could not be judged: ",
        "fr": "d'une photo qui n'a pas pu être jugée : ",
    }[language] in draft(CASES["photo"], "colleague", language)
    modality = ModalityFinding(
        told=Modality.DERMOSCOPIC,
        recognised=Modality.UNKNOWN,
        used=(Modality.DERMOSCOPIC, Modality.CLINICAL),
    )
    facts = about(untested_skin=("dark",), modality=modality, tested=(LITTLE_TESTED,))
    text = draft(facts, "colleague", language)
    for said in facts.facts.notices[1:]:
        line = said.in_language(language).replace(NO_BREAK_SPACE, " ")
        assert (line in text) is not line.startswith(("Tested on", "Testé sur"))
    assert mark_sentences(write_by_template(facts, "colleague", language), facts, language) == []


@pytest.mark.parametrize(("name", "language"), [*product(CASES, LANGUAGES)])
def test_a_colleague_reads_one_urgency(name: str, language: Language) -> None:
    facts, table = CASES[name], conditions_table()
    text = write_by_template(facts, "colleague", language)
    labels = [band for band in Band if f" {table.band_words(band, language).doctor_label}." in text]
    assert labels == ([] if name == "photo" else [facts.band])


def test_of_the_models_answer_the_likeliest_are_said_and_the_cancers_above_their_threshold() -> (
    None
):
    (said,) = re.findall(r"The model's answer.*", draft(CASES["benign"], "colleague", "en"))
    assert said.startswith(
        "The model's answer of 24 November 2026, earlier than the decision: squamous cell "
        "carcinoma 38%, benign keratosis 30%, actinic keratosis / Bowen's disease 16%, melanoma 6%."
    )


def test_no_condition_is_named_that_reads_as_nothing() -> None:
    shares = {**dict.fromkeys(SHARES, 0.0004), MOLE: 0.9972}
    facts = about(key=MOLE, band=Band.ROUTINE, ranked=rank(shares), raised_by=())
    text = draft(replace(facts, decision=CASES["mole"].decision), "colleague", "en")
    assert "melanoma" not in text
    assert " 0%" not in text


@pytest.mark.parametrize(("name", "reader", "language"), [*product(CASES, READERS, LANGUAGES)])
def test_no_draft_is_marked_and_every_date_is_in_words(
    name: str, reader: Reader, language: Language
) -> None:
    text = write_by_template(CASES[name], reader, language)
    assert mark_sentences(text, CASES[name], language) == []
    assert not re.search(r"\d{4}-\d{2}|\d+[./]\d+[./]\d+", text)


@pytest.mark.parametrize(("reader", "language"), [*product(READERS, LANGUAGES)])
def test_what_counts_of_another_finding_of_the_spot_is_the_one_instruction(
    reader: Reader, language: Language
) -> None:
    table = conditions_table()
    advice = Advice(SaidBy.DECISION, Band.URGENT_REFERRAL, DECIDED_AT, 9)
    facts = replace(CASES["mole"], advice=advice)
    text = write_by_template(facts, reader, language)
    own, counts = (table.band_words(one, language) for one in (Band.SELF_MONITORING, advice.band))
    assert (counts.doctor_action if reader == "colleague" else counts.label) in text
    assert not any(one in text for one in (own.label, own.doctor_label))
    assert mark_sentences(text, facts, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("reader", "own"),
    [*product(READERS, ("mole", "open", None))],
)
def test_a_proven_melanoma_of_another_photo_is_the_first_that_a_letter_says(
    reader: Reader, own: str | None, language: Language
) -> None:
    """ "Here is my decision of 8 June: the spot is a mole" of a spot that is a proven melanoma."""
    result = CASES["melanoma"].decision
    advice = Advice(
        SaidBy.DECISION, Band.URGENT_REFERRAL, DECIDED_AT, 10, by_result=True, decision=result
    )
    facts = replace(CASES[own or "mole"], advice=advice)
    facts = facts if own else replace(facts, decision=None)
    text = draft(facts, reader, language)
    first, replaced = {
        "en": (
            "Laboratory's result of 1 December 2026 (finding 10): Melanoma.",
            ("Of this photo alone I said on", "Of this photo alone, replaced since:"),
        ),
        "fr": (
            "Résultat du laboratoire du 1er décembre 2026 (résultat 10) : Mélanome.",
            ("De cette photo seule, j'ai dit le", "De cette photo seule, remplacé depuis :"),
        ),
    }[language]
    _, *paragraphs = text.split("\n\n")
    assert paragraphs[reader == "colleague"] == first
    if own == "mole":
        assert replaced[reader == "colleague"] in text
    assert mark_sentences(write_by_template(facts, reader, language), facts, language) == []
    assert facts.named >= {MELANOMA}
    suspected = conditions_table().band_words(Band.URGENT_REFERRAL, language).doctor_action
    assert suspected not in text
    assert not facts.all_clear


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Left shoulder blade", False),
        ("Mollet", False),
        ("Melanoma", True),
        ("It is harmless", True),
        ("Beside the nose", False),
    ],
)
def test_a_name_of_a_spot_that_says_what_it_is_is_left_out(name: str, says: bool) -> None:
    assert says_of_the_spot(name, CASES["mole"]) is says


def test_a_letter_names_the_spot_in_the_patients_language(any_backend: Backend) -> None:
    at = Practice(any_backend)
    assert at.ada.call("PUT", "/me/locale", json={"locale": "fr"}).status_code == 200
    place = {"site": "back", "laterality": "left"}
    names = [("Omoplate", "votre tache « Omoplate » (dos, à gauche), photographiée le ")]
    names += [("Mélanome", "votre tache (dos, à gauche), photographiée le ")]
    for name, said in names:
        spot = at.ada.call("POST", "/lesions", json={"place": place, "name": name}).get_json()
        at.number = predicted(at.ada, lesion=spot["id"])["id"]
        at.letters = f"/submissions/{at.number}/letters"
        at.review(MOLE, urgency="routine")
        drafted = at.draft()
        assert said in drafted["text"].replace(NO_BREAK_SPACE, " ")
        assert (drafted["language"], drafted["marks"]) == ("fr", [])
        assert at.draft(language="en")["text"].startswith("Dear Ada Example,")
