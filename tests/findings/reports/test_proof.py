"""A sentence of an LLM is kept only where the passages say it that it names."""

import re
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.proof import Dropped, Proved, prove
from skinapi.findings.reports.vocabulary import load_vocabulary
from skinapi.model.passages import passages_table

TABLE = passages_table()


def proof_of(text: str, ids: str, language: Language, subject: str | None = None) -> Any:
    return prove(text, [TABLE.by_id(one) for one in ids.split()], language, subject=subject)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_passage_says_itself(language: Language) -> None:
    known = load_vocabulary(language)
    for passage in TABLE.all:
        text = passage.in_language(language)
        for marked in passage.wordings(language):
            said = re.sub(r"[\[\]]", "", marked)
            assert isinstance(proof_of(said, passage.id, language, passage.about), Proved), said
        words = [word for word in known.split(text) if word.isalpha()]
        phrases = {word for phrase in (*known.guards, *known.names) for word in phrase}
        lists = known.free | known.links | known.addressed | _ADDRESS | {*known.numbers} | phrases
        unknown = {word for word in words if word not in known.lemmas} - lists
        assert not unknown, "run `python -m tests.repository.lemmas`"


_ADDRESS = {"you", "your", "vous", "votre"}

KEPT = [
    # Put at the end or the beginning, and with the name in place of "it".
    (
        "en",
        "While it is small, a basal cell carcinoma is simpler to treat.",
        "basal_cell_carcinoma.small",
    ),
    (
        "en",
        "A melanoma found while it is still thin can usually be cured by removing it.",
        "melanoma.early",
    ),
    # Shortened, and joined of two.
    ("en", "Melanoma is a cancer of the skin cells.", "melanoma.what"),
    (
        "en",
        "A mole is a harmless cluster of cells, and the great majority of moles stay harmless.",
        "melanocytic_nevus.what melanocytic_nevus.early",
    ),
    (
        "en",
        "A melanoma can usually be cured by taking it out when it is found while still thin.",
        "melanoma.early",
    ),
    ("fr", "Le traitement principal d'un mélanome est la chirurgie.", "melanoma.treat"),
    (
        "fr",
        "Un dermatofibrome est un petit nodule bénin de la peau.",
        "dermatofibroma.what",
    ),
]

DROPPED = [
    # A negation, a condition, a hedge, a number, a quantity: each changed or left out.
    (
        "en",
        "Melanoma is not a cancer of the skin cells that make pigment.",
        "melanoma.what",
        Dropped.QUALIFIER,
    ),
    ("en", "A melanoma can usually be cured by removing it.", "melanoma.early", Dropped.QUALIFIER),
    (
        "en",
        "Found while it is still thin, a melanoma is cured by removing it.",
        "melanoma.early",
        Dropped.QUALIFIER,
    ),
    (
        "en",
        "About three in ten melanomas begin on skin that had no mole before.",
        "melanoma.begins",
        Dropped.NUMBER,
    ),
    (
        "en",
        "All melanomas begin on skin that had no mole before.",
        "melanoma.begins",
        Dropped.QUALIFIER,
    ),
    ("en", "These patches never become dangerous.", "actinic_keratosis.early", Dropped.QUALIFIER),
    ("fr", "Le mélanome n'est pas un cancer de la peau.", "melanoma.what", Dropped.QUALIFIER),
    (
        "fr",
        "Environ trois mélanomes sur dix naissent sur une peau sans grain de beauté.",
        "melanoma.begins",
        Dropped.NUMBER,
    ),
    # Its own words, another claim.
    (
        "en",
        "Melanoma with little pigment is red, and a lump that grows fast or bleeds can look dark.",
        "vascular_lesion.late",
        Dropped.REARRANGED,
    ),
    (
        "en",
        "A pyogenic granuloma can mimic a melanoma with little pigment.",
        "vascular_lesion.apart_clinical",
        Dropped.REARRANGED,
    ),
    (
        "en",
        "It is a melanoma that, found while it is still thin, can usually be cured by removing it.",
        "melanoma.early",
        Dropped.REARRANGED,
    ),
    ("en", "Skin raises a cluster of cells.", "melanocytic_nevus.what", Dropped.WORD),
    # What is said of one condition is said of it alone.
    (
        "en",
        "It is simpler to treat while it is small.",
        "basal_cell_carcinoma.small",
        Dropped.SUBJECT,
    ),
    (
        "en",
        "A mole is simpler to treat while it is small.",
        "basal_cell_carcinoma.small",
        Dropped.NAME,
    ),
    (
        "en",
        "Your melanoma is a cancer of the skin cells that make pigment.",
        "melanoma.what",
        Dropped.WORD,
    ),
    # No claim of its own, no advice, no other tongue.
    (
        "en",
        "Melanoma is a cancer of the skin cells, so see a doctor this week.",
        "melanoma.what",
        Dropped.WORD,
    ),
    ("en", "Melanoma is ganz harmlos.", "melanoma.what", Dropped.WORD),
    # One plain sentence.
    (
        "en",
        "Is melanoma a cancer of the skin cells that make pigment?",
        "melanoma.what",
        Dropped.FORM,
    ),
    ("en", "“Melanoma is a cancer of the skin cells.”", "melanoma.what", Dropped.FORM),
    ("en", "# Melanoma is a cancer of the skin cells.", "melanoma.what", Dropped.FORM),
    ("en", "Melanoma is a cancer of the skin cells. It can wait.", "melanoma.what", Dropped.FORM),
    ("en", "Melanoma is a cancer <b>of the skin cells</b>.", "melanoma.what", Dropped.FORM),
    ("en", "Melanoma", "melanoma.what", Dropped.FORM),
    ("en", "Melanoma is a cancer of the skin cells.", "", Dropped.PASSAGE),
]


@pytest.mark.parametrize(("language", "text", "ids"), KEPT)
def test_the_same_in_other_words_is_kept(language: Language, text: str, ids: str) -> None:
    assert isinstance(proof_of(text, ids, language), Proved)


@pytest.mark.parametrize(("language", "text", "ids", "why"), DROPPED)
def test_what_no_passage_says_is_dropped(
    language: Language, text: str, ids: str, why: Dropped
) -> None:
    assert proof_of(text, ids, language) is why
