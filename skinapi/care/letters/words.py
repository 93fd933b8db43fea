"""What a letter needs in each language: our own sentences, and words by which its sentences are
checked.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import BeforeValidator

from skinapi.care.letters.plain_text import without_accents
from skinapi.languages import Language, load_words
from skinapi.records.letters import Reader
from skinapi.stored_record import Frozen
from skinapi.vision.conditions import Band


def _join(lines: str) -> str:
    joined = "|".join(line.strip() for line in lines.splitlines() if line.strip())
    return rf"(?<!\w)(?:{without_accents(joined)})(?!\w)"


def _without_accents(words: Mapping[str, float]) -> dict[str, float]:
    return {without_accents(word): count for word, count in words.items()}


# A regular expression for text in lower case and without accents, in which NAME stands for a
# condition. Its lines are alternatives, of whole words.
Pattern = Annotated[str, BeforeValidator(_join)]


Numbers = Annotated[Mapping[str, float], BeforeValidator(_without_accents)]


class Vocabulary(Frozen):
    """Words by which the sentences of a letter are checked.

    `levels` are words for how soon a doctor is to be seen, `units` for times in days. The order of
    `levels` is that in which they are looked for, because "not urgent" holds "urgent".
    """

    synonyms: Mapping[str, tuple[str, ...]]
    numbers: Numbers
    vague: Numbers
    units: Numbers
    months: tuple[str, ...]
    levels: Mapping[Band, Pattern]
    delaying: Pattern
    urging: Pattern
    unasserted: Pattern
    reassuring: Pattern
    looking: Pattern
    fine: Pattern
    danger: Pattern
    improbable: Pattern
    chance: Pattern
    small: Pattern
    fate: Pattern
    negation: Pattern
    negating: Pattern
    visiting: Pattern
    watching: Pattern
    treating: Pattern
    conditional: Pattern
    past: Pattern
    of_the_model: Pattern
    claim: Pattern
    found: Pattern
    hedge: Pattern
    certain: Pattern
    laboratory: Pattern
    pending: Pattern
    general: Pattern
    outcome: Pattern
    excluded: Pattern
    claiming: Pattern
    cancer: Pattern
    disease: Pattern
    no_disease: Pattern
    medicine: Pattern
    no_medicine: Pattern
    time_words: Pattern
    statement: Pattern
    fraction: Pattern
    out_of: Pattern
    score: Pattern
    counted: Pattern
    points: Pattern
    pathway: Pattern
    apart: Pattern
    and_: str
    title: str
    after_name: Pattern
    first_words: str

    @cached_property
    def counts(self) -> dict[str, float]:
        """The words for a count, exact or not."""
        return {**self.numbers, **self.vague}

    @cached_property
    def count(self) -> str:
        """The pattern of a count, in digits or words."""
        return rf"(?:\d{{1,6}}|{'|'.join(sorted(self.counts, key=len, reverse=True))})"

    @cached_property
    def time(self) -> re.Pattern[str]:
        """Of a count and its unit; of "two to three weeks" the later."""
        units = "|".join(sorted(self.units, key=len, reverse=True))
        until = rf"(?<!\w)(?:{self.count} ?(?:-|–|to|or|à|ou) ?)??({self.count})"
        return re.compile(rf"{until}[ -](?:\w+ )?({units})(?:s|es)?(?!\w)")


class LetterWords(Frozen):
    """The software's own sentences of a draft; those on a condition or an urgency come from the
    conditions table. `decided` is of a decision by who signs, `decided_by` by somebody else,
    `it_is` and `concluded` by how certain that is, `replaced` of what was said of a photo where
    another one's counts, `model` by what has become of the finding.
    """

    to_patient: str
    to_colleague: str
    about: Mapping[Reader, str]
    spot: Mapping[str, str]
    decided: Mapping[str, str]
    decided_by: Mapping[str, str]
    it_is: Mapping[str, str]
    elsewhere: str
    replaced: Mapping[str, str]
    due: str
    concluded: Mapping[str, str]
    photo_wanted: str
    undecided: str
    urgency: str
    model: Mapping[str, str]
    closing: str


LETTER_WORDS: Mapping[Language, LetterWords] = load_words("letters.LETTERS", LetterWords)
VOCABULARIES: Mapping[Language, Vocabulary] = load_words(
    "letter_checks.VOCABULARY", Vocabulary, patterns=True
)
