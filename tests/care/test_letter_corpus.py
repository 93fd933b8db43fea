"""How many sentences are marked that mislead, and how many that a good doctor writes, of sentences
that were written before the marks were made to find them; and that no disguise hides one.
"""

import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product

import pytest

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.marks import Contradicts, mark_sentences
from skinapi.care.letters.template import write_by_template
from skinapi.languages import LANGUAGES, Language
from skinapi.records.letters import LONGEST_LETTER, READERS
from skinapi.records.opinions import Certainty, Histology
from skinapi.vision.conditions import Band, conditions_table
from tests.care.letter_corpus import Part, count_marked, facts_by_name, is_marked, read_corpus
from tests.care.test_letter_marks import about, decided, kinds
from tests.support.size import in_drill, size

CYRILLIC = str.maketrans("aceopxysi", "асеорхуѕі")
SOFT_HYPHEN, JOINER = "\N{SOFT HYPHEN}", "\N{ZERO WIDTH JOINER}"
DISGUISES: dict[str, Callable[[str], str]] = {
    "soft hyphens": lambda text: SOFT_HYPHEN.join(text),
    "zero-width joiners": lambda text: JOINER.join(text),
    "Cyrillic letters": lambda text: text.translate(CYRILLIC),
    "letters apart": lambda text: "  ".join(" ".join(word) for word in text.split()),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "capitals": str.upper,
    "full width": lambda text: "".join(
        chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text
    ),
    "a line's end": lambda text: _broken(text, "\n"),
    "an empty line": lambda text: _broken(text, "\n\n"),
}


def _broken(text: str, end: str) -> str:
    words = text.split(" ")
    middle = len(words) // 2
    return f"{' '.join(words[:middle])}{end}{' '.join(words[middle:])}"


# Measured: 97 and 90 % of those that mislead, 2 and 9 % of the others (docs/experiments.md).
@pytest.mark.parametrize(
    ("part", "least_caught", "most_false"),
    [("held", 0.85, 0.13), *in_drill(("tune", 0.94, 0.05))],
)
def test_most_sentences_that_mislead_are_marked_and_few_that_do_not(
    part: Part, least_caught: float, most_false: float
) -> None:
    for language in LANGUAGES:
        caught, misleading = count_marked(part, "misleading", language)
        false, legitimate = count_marked(part, "legitimate", language)
        assert caught >= least_caught * misleading, (part, language, caught, misleading)
        assert false <= most_false * legitimate, (part, language, false, legitimate)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("You do not need to come this week.", "en"),
        ("You do not, for now, need to come this week.", "en"),
        ("Come back in eleven months.", "en"),
        ("Come back in twenty-one weeks.", "en"),
        ("We wait and see.", "en"),
        ("It is nothing.", "en"),
        ("The spot is h a r m l e s s.", "en"),
        ("Please come in the season of rain.", "en"),
        ("Seventeen such spots were seen today.", "en"),
        ("Revenez dans treize semaines.", "fr"),
        ("Revenez dans soixante-quinze jours.", "fr"),
        ("Ce n'est rien.", "fr"),
        ("CE N'EST PAS GRAVE, C'EST BENIN.", "fr"),
        ("Эта родинка безвредна.", "en"),
    ],
)
def test_what_once_passed_unmarked_is_marked(text: str, language: Language) -> None:
    assert kinds(text, about(), language)


def test_an_urgency_that_is_negated_is_not_said() -> None:
    negated = "Thank you. You do not need to come this week."
    unsaid = [mark for mark in mark_sentences(negated, about(), "en") if not mark.sentence]
    assert [mark.contradicts for mark in unsaid] == [Contradicts.UNSAID]


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_hides_what_is_marked_otherwise(disguise: str) -> None:
    misleading = [one for one in read_corpus() if one.kind == "misleading"][::12]
    for written in misleading:
        facts, text = facts_by_name()[written.about], DISGUISES[disguise](written.text)
        assert is_marked(text, facts, written.language) or not written.marked, text


def test_a_mark_gives_the_sentence_as_it_is_written() -> None:
    written = "The spot is hаrm\N{SOFT HYPHEN}less\nand nothing more."
    marks = mark_sentences(f"Hello.\n\n{written}\n\nSee a doctor this week.", about(), "en")
    assert {(mark.sentence, mark.contradicts) for mark in marks} == {
        (written, Contradicts.REASSURANCE)
    }


def _draft_is_marked(facts: LetterFacts) -> bool:
    return any(
        mark_sentences(write_by_template(facts, reader, language), facts, language)
        for reader, language in product(READERS, LANGUAGES)
    )


def test_no_draft_of_the_template_is_marked() -> None:
    keys = [one.key for one in conditions_table().conditions if one.key != "normal_skin"]
    for key, band in islice(product(keys, Band), 0, None, size(7, 1)):
        if key != "squamous_cell_carcinoma":
            assert not _draft_is_marked(about(key=key, band=band)), (key, band)
    for key, certainty, histology in product(
        ("melanoma", "melanocytic_nevus"), Certainty, Histology
    ):
        decision = decided(key, Band.REFERRAL, certainty).model_copy(
            update={"histology": histology}
        )
        facts = replace(about(), decision=decision)
        assert not _draft_is_marked(facts), (key, certainty, histology)


@pytest.mark.parametrize(
    "name",
    [
        "Your spot is harmless",
        "Votre tache est anodine",
        "Ada. No visit is needed",
        "You need not come",
        "Come next year",
        "Cancer Free",
        "h a r m l e s s",
        "Hаrmless Spot",
    ],
)
def test_a_name_that_says_something_is_marked_in_our_own_sentences(name: str) -> None:
    for patient, doctor in (("Ada Example", name), (name, "Dr Grace Hopper")):
        facts = replace(about(), patient=patient, doctor=doctor)
        for reader, language in product(READERS, LANGUAGES):
            text = write_by_template(facts, reader, language)
            marks = mark_sentences(text, facts, language)
            assert Contradicts.NAME in {mark.contradicts for mark in marks}, text


@pytest.mark.parametrize(
    "name",
    ["May Winter", "Noël Dimanche", "Αλέξης Παπάς", "Le Thi Mai", "No Min-jun", "Dr. Ann Weeks"],
)
def test_a_name_that_is_one_is_data_wherever_it_stands(name: str) -> None:
    facts = replace(about(), patient=name, doctor=name)
    for reader, language in product(READERS, LANGUAGES):
        text = write_by_template(facts, reader, language)
        assert mark_sentences(text, facts, language) == [], text
    assert kinds(f"Please see a doctor this week, {name}.", facts) == set()
    assert kinds(f"{name}, come next winter.", facts) == {Contradicts.TIME}


@pytest.mark.parametrize(
    "part", ["mole ", "mole 12, ", "not a ", "harmless ", "wait until ", "9 of 9 ", "⟨", "a\n"]
)
def test_a_longer_letter_costs_no_more_than_its_length(part: str) -> None:
    """A letter that is four times as long: four times the work, with what is measured beside it."""

    def work(length: int) -> float:
        text, taken = (part * length)[:length], []
        for _ in range(3):
            begun = time.thread_time()
            mark_sentences(text, about(), "en")
            taken.append(time.thread_time() - begun)
        return min(taken)

    assert work(LONGEST_LETTER) < 8 * work(LONGEST_LETTER // 4)
