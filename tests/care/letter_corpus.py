"""Sentences of letters with what they are about, written before the marks were made to find them.

A third is held back. `python -m tests.care.letter_corpus` prints how many of the others are marked,
with `tune` which of these wrongly, with `held` how many of those held back. Whoever works on the
marks looks at no more.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from skinapi.care.letters.letter_facts import LetterFacts
from skinapi.care.letters.marks import Contradicts, mark_sentences
from skinapi.languages import LANGUAGES, Language
from skinapi.records.opinions import Certainty, Histology
from skinapi.vision.conditions import Band
from skinapi.vision.finding.finding import Doubt
from tests.care.test_letter_marks import about, decided

FILE = Path(__file__).with_name("letter_corpus.jsonl")
Part = Literal["tune", "held"]
PARTS: tuple[Part, ...] = ("tune", "held")
Kind = Literal["misleading", "legitimate"]


@dataclass(frozen=True)
class Written:
    kind: Kind
    language: Language
    about: str
    text: str

    @property
    def part(self) -> Part:
        return "tune" if int(hashlib.sha256(self.text.encode()).hexdigest(), 16) % 3 else "held"

    @property
    def marked(self) -> bool:
        return is_marked(self.text, facts_by_name()[self.about], self.language)


def is_marked(text: str, facts: LetterFacts, language: Language) -> bool:
    marks = mark_sentences(text, facts, language)
    return any(mark.contradicts is not Contradicts.UNSAID for mark in marks)


@cache
def facts_by_name() -> Mapping[str, LetterFacts]:
    """What the sentences are about: findings that nobody has reviewed, a doctor who waits for the
    laboratory, and one whom the laboratory has told.
    """
    unsure = decided("melanoma", Band.URGENT_REFERRAL, Certainty.UNSURE)
    sure = decided("melanocytic_nevus", Band.SELF_MONITORING)
    doubt = {"uncertain": True, "reasons": (Doubt.TOO_CLOSE,)}
    return {
        "urgent": about(),
        "referral": about(key="basal_cell_carcinoma", probability=0.72, band=Band.REFERRAL),
        "uncertain": about(
            key="melanocytic_nevus", probability=0.48, band=Band.DOCTOR_REVIEW, **doubt
        ),
        "benign": about(key="benign_keratosis", probability=0.91, band=Band.ROUTINE),
        "awaited": replace(
            about(), decision=unsure.model_copy(update={"histology": Histology.AWAITED})
        ),
        "decided": replace(
            about(), decision=sure.model_copy(update={"histology": Histology.CONFIRMED})
        ),
    }


@cache
def read_corpus() -> tuple[Written, ...]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return tuple(Written(**json.loads(line)) for line in lines)


def count_marked(part: Part, kind: Kind, language: Language) -> tuple[int, int]:
    """How many of these sentences are marked, of how many."""
    wanted = (part, kind, language)
    marked = [one.marked for one in read_corpus() if (one.part, one.kind, one.language) == wanted]
    return sum(marked), len(marked)


def main() -> None:
    for part in PARTS if "held" in sys.argv else PARTS[:1]:
        for language in LANGUAGES:
            caught, misleading = count_marked(part, "misleading", language)
            false, legitimate = count_marked(part, "legitimate", language)
            print(  # noqa: T201
                f"{part} {language}: {caught} of {misleading} misleading sentences are marked,"
                f" {false} of {legitimate} legitimate ones"
            )
    if "tune" in sys.argv:
        for one in read_corpus():
            if one.part == "tune" and one.marked != (one.kind == "misleading"):
                print(one.kind, one.language, one.about, one.text, sep=" | ")  # noqa: T201


if __name__ == "__main__":
    main()
