"""Sentences of a letter that the facts do not support are marked, with what they contradict."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.marks import Contradicts, Mark, mark_sentences
from skinapi.care.letters.template import write_by_template
from skinapi.languages import LANGUAGES, Language
from skinapi.records.decisions import Decision
from skinapi.records.letters import READERS
from skinapi.records.opinions import Certainty, Histology
from skinapi.records.submission import QueueEntry, Submission
from skinapi.vision.conditions import Band
from skinapi.vision.context import NOTHING_TOLD
from skinapi.vision.finding.notices import say_restated
from tests.care.letter_drafts import Author, some_finding
from tests.support.findings import finding_of, restated_finding
from tests.support.size import size

FIGURES = "Melanoma 90%; Actinic keratosis / Bowen's disease 2%; Basal cell carcinoma 2%"
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
NEVUS = {"key": "melanocytic_nevus", "band": Band.ROUTINE}
DRAFTS = size(30, 500)


def about(**finding: Any) -> LetterFacts:
    submission = SimpleNamespace(
        finding=finding.pop("made", None) or finding_of(**finding),
        context=NOTHING_TOLD,
        number=7,
        created_at=TODAY,
        photographed_at=TODAY,
    )
    return LetterFacts(
        submission=cast("Submission", submission),
        decision=None,
        course=(),
        patient="Ada Example",
        doctor="Dr Grace Hopper",
    )


REFERRED = about(key="basal_cell_carcinoma", band=Band.REFERRAL)


def decided(label: str, urgency: Band, certainty: Certainty = Certainty.SURE) -> Decision:
    return Decision(
        review="0" * 32,
        label=label,
        urgency=urgency,
        certainty=certainty,
        histology=Histology.NOT_TAKEN,
        new_picture_wanted=False,
        decided_at=TODAY,
        decided_by="Dr Grace Hopper",
    )


def earlier(stated: str, days: int) -> QueueEntry:
    finding = SimpleNamespace(headline=SimpleNamespace(keys=(stated,)))
    entry = SimpleNamespace(finding=finding, created_at=TODAY - timedelta(days=days))
    return cast("QueueEntry", entry)


AWAITED = replace(
    about(),
    decision=decided("melanoma", Band.URGENT_REFERRAL).model_copy(
        update={"histology": Histology.AWAITED}
    ),
)


def kinds(text: str, facts: LetterFacts, language: Language = "en") -> set[Contradicts]:
    marks = mark_sentences(text, facts, language)
    return {mark.contradicts for mark in marks} - {Contradicts.UNSAID}


def test_each_wrong_sentence_of_many_drafts_is_marked_and_no_right_one() -> None:
    """The phrasings were written for this test, and the words of the check were made to fit them:
    so this is no rate for what an LLM will write (docs/experiments.md).
    """
    chance, counted = random.Random(7), Counter[str]()
    wrong_marks: list[object] = []
    for _ in range(DRAFTS):
        finding, language = some_finding(chance), chance.choice(LANGUAGES)
        facts, draft = about(made=finding), Author(finding, language, chance).write()
        text = "\n\n".join(draft.paragraphs).format(patient=facts.patient, doctor=facts.doctor)
        marked = {mark.sentence for mark in mark_sentences(text, facts, language)}
        for sentence in draft.sentences:
            said = sentence.text.format(patient=facts.patient, doctor=facts.doctor)
            counted[sentence.wrong or "right"] += 1
            if (said in marked) != bool(sentence.wrong):
                wrong_marks.append((said, sentence.wrong, finding.band))
    print(f"{DRAFTS} drafts, seed 7: {dict(counted)}")  # noqa: T201 (with -s)
    assert wrong_marks == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_is_not_marked(language: Language) -> None:
    chance = random.Random(3)
    for _, reader in product(range(12), READERS):
        facts = about(made=some_finding(chance))
        assert mark_sentences(write_by_template(facts, reader, language), facts, language) == []
        sure = replace(facts, decision=decided("basal_cell_carcinoma", Band.REFERRAL))
        assert mark_sentences(write_by_template(sure, reader, language), sure, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_to_a_colleague_says_for_which_mix_its_figures_hold(language: Language) -> None:
    facts = about(made=restated_finding(own=0.55, prevalence=0.02))
    text = write_by_template(facts, "colleague", language)
    assert say_restated(0.02).in_language(language) in text
    assert mark_sentences(text, facts, language) == []


def test_a_mark_says_what_the_sentence_contradicts() -> None:
    text = "See a doctor next year. It has 12%."
    assert mark_sentences(text, about(), "en") == [
        Mark("See a doctor next year.", Contradicts.URGENCY, "next year", "See a doctor this week"),
        Mark(
            "It has 12%.",
            Contradicts.FIGURE,
            "12",
            FIGURES,
        ),
        Mark("", Contradicts.UNSAID, "", "See a doctor this week"),
    ]


def test_a_letter_gives_the_figures_that_people_read() -> None:
    """Restated for the clinic's prevalence: the model's own would be a second number."""
    made = restated_finding(own=0.55)
    facts = about(made=made)
    shown = next(one.probability for one in made.shown_ranked if one.key == "melanoma")
    assert kinds(f"Melanoma has {100 * shown:.1f}%.", facts) == set()
    assert kinds("Melanoma has 55%.", facts) == {Contradicts.FIGURE}


def test_a_letter_that_nowhere_says_by_when_is_marked() -> None:
    facts = about()
    (mark,) = mark_sentences("Thank you for the photo.", facts, "en")
    assert (mark.contradicts, mark.facts) == (Contradicts.UNSAID, "See a doctor this week")
    assert mark_sentences("Please see a doctor this week.", facts, "en") == []
    assert (
        mark_sentences("Thank you.", about(key="dermatofibroma", band=Band.SELF_MONITORING), "en")
        == []
    )


def test_what_a_doctor_has_decided_counts_before_the_finding() -> None:
    facts = replace(about(), decision=decided("melanocytic_nevus", Band.ROUTINE))
    for right in (
        "This is a melanocytic nevus.",
        "The mole is harmless.",
        "The model gave melanoma a probability of 90%.",
        "The software had named melanoma.",
        "It is not a melanoma.",
        "Mention it at the next visit.",
    ):
        assert kinds(right, facts) == set(), right
    for wrong, kind in (
        ("This is a melanoma.", Contradicts.CONDITION),
        ("Please see a doctor this week.", Contradicts.URGENCY),
        ("This is skin cancer.", Contradicts.CONDITION),
    ):
        assert kind in kinds(wrong, facts), wrong


def test_what_a_doctor_is_unsure_of_is_not_said_as_certain() -> None:
    unsure = decided("basal_cell_carcinoma", Band.URGENT_REFERRAL, Certainty.UNSURE)
    facts = replace(about(), decision=unsure)
    assert kinds("It may be a basal cell carcinoma.", facts) == set()
    assert Contradicts.CERTAINTY in kinds("This is a basal cell carcinoma.", facts)
    assert Contradicts.REASSURANCE in kinds("The spot is harmless.", facts)


def test_no_word_beside_it_hides_a_wrong_one() -> None:
    """Each of these was once let through by an exception that was made for a right sentence."""
    sure = replace(about(), decision=decided("melanocytic_nevus", Band.ROUTINE))
    course = replace(about(), course=(earlier("melanoma", 91),))
    named = replace(about(), patient="Not Harmless")
    for wrong, facts, kind in (
        ("This is a melanoma, not a nevus.", sure, Contradicts.CONDITION),
        ("No doubt it is a melanoma.", sure, Contradicts.CONDITION),
        ("A biopsy has shown a nevus.", sure, Contradicts.CERTAINTY),
        ("Three months ago it was melanoma, so come next year.", course, Contradicts.URGENCY),
        ("Three months ago it was melanoma, now it is harmless.", course, Contradicts.REASSURANCE),
        ("The pathway can wait until next year.", about(), Contradicts.URGENCY),
        ("A routine visit is enough for the referral.", REFERRED, Contradicts.URGENCY),
        ("The probabilities are 12 and 30.", about(), Contradicts.FIGURE),
        ("It is Not urgent and Harmless.", named, Contradicts.REASSURANCE),
    ):
        assert kind in kinds(wrong, facts), wrong


def test_the_laboratory_may_be_told_of_where_a_doctor_did() -> None:
    assert kinds("The result of the laboratory is awaited.", AWAITED) == set()


@pytest.mark.parametrize(
    ("language", "certain", "suspected"),
    [
        ("en", "The spot is a melanoma.", "We suspect a melanoma."),
        ("en", "I am sure that it is a melanoma.", "The spot looks like a melanoma."),
        ("fr", "La tache est un mélanome.", "Je soupçonne un mélanome."),
        ("fr", "C'est certainement un mélanome.", "La tache ressemble à un mélanome."),
    ],
)
def test_what_a_sample_is_to_show_is_suspected_however_sure_the_doctor_is(
    language: Language, certain: str, suspected: str
) -> None:
    """ "The spot is a basal cell carcinoma. The laboratory's result is awaited." """
    assert AWAITED.decision
    assert AWAITED.decision.sure
    assert Contradicts.CERTAINTY in kinds(certain, AWAITED, language)
    assert kinds(suspected, AWAITED, language) == set()
    result = AWAITED.decision.model_copy(update={"histology": Histology.CONFIRMED})
    assert Contradicts.CERTAINTY not in kinds(certain, replace(AWAITED, decision=result), language)


def test_the_mark_of_what_is_suspected_says_what_is_awaited() -> None:
    marks = mark_sentences("The spot is a melanoma.", AWAITED, "en")
    assert marks[0].facts == "Melanoma; The laboratory's result is awaited"


def test_a_mark_says_the_name_that_is_claimed() -> None:
    (mark, _) = mark_sentences("You have melanoma.", about(), "en")
    assert mark.said == "you have melanoma."


def test_the_course_of_the_spot_may_be_told() -> None:
    facts = replace(about(), course=(earlier("benign_keratosis", 91),))
    assert kinds("Three months ago the finding was benign keratosis.", facts) == set()
    assert kinds("On 2026-08-25 a photo was taken.", facts) == set()
    assert kinds("Five months ago the finding was benign keratosis.", facts) != set()
    assert kinds("On 2026-07-25 a photo was taken.", facts) != set()


def test_what_is_written_in_another_language_is_checked_too() -> None:
    assert Contradicts.REASSURANCE in kinds("La tache est anodine.", about(), "en")
    assert Contradicts.URGENCY in kinds("Come next year.", about(), "fr")


def test_sooner_under_a_condition_is_no_other_urgency() -> None:
    facts = about(**NEVUS)
    assert kinds("If it bleeds, see a doctor today.", facts) == set()
    assert kinds("See a doctor today.", facts) == {Contradicts.URGENCY}
