"""A sentence of an LLM is kept only where the passages say it that it names."""

import random
from typing import Any

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.proof import Dropped, Proved, prove
from skinapi.findings.reports.wordings import CHOICE, ITEMS, scan, split_outside
from skinapi.model.passages import passages_table
from tests.support.size import size

TABLE = passages_table()


def proof_of(text: str, ids: str, language: Language, subject: str | None = None) -> Any:
    return prove(text, [TABLE.by_id(one) for one in ids.split()], language, subject=subject)


def write_out(wording: str, language: Language, draw: random.Random) -> str:
    """One of the sentences that a wording with marks stands for."""
    text = ""
    for mark, inner in scan(wording):
        if mark in ("{", "<"):
            items = split_outside(inner, ITEMS)
            count = len(items) if mark == "{" else draw.randint(1, len(items))
            joint = next((one for one in (" or ", " ou ", " and ", " et ") if one in inner), ", ")
            text += joint.join(write_out(one, language, draw) for one in draw.sample(items, count))
        elif mark == "(" or (mark == "[" and draw.random() < 0.5):
            text += write_out(draw.choice(split_outside(inner, CHOICE)), language, draw)
        elif not mark:
            text += inner
    return text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_wording_is_kept(language: Language) -> None:
    draw = random.Random(69)
    for passage in TABLE.all:
        for wording in passage.wordings(language) * size(2, 20):
            text = write_out(wording, language, draw).strip()
            said = f"{text[0].upper()}{text[1:].rstrip('.')}."
            assert isinstance(proof_of(said, passage.id, language, passage.about), Proved), said


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
        "A mole is a harmless cluster of cells; the great majority of moles stay harmless.",
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
        "A dark or red melanoma can look like a lump with little pigment that bleeds.",
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
