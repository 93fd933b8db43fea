"""What a letter needs in each language: our own sentences, and words by which its sentences are
checked.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator

from skinapi.vision.conditions import Band, Frozen


def _join(lines: str) -> str:
    joined = "|".join(line.strip() for line in lines.splitlines() if line.strip())
    return rf"(?<!\w)(?:{joined})(?!\w)"


# A regular expression for text in lower case, in which NAME stands for a condition. Its lines are
# alternatives, of whole words.
Pattern = Annotated[str, BeforeValidator(_join)]


class Vocabulary(Frozen):
    """Words by which the sentences of a letter are checked.

    `levels` are words for how soon a doctor is to be seen, `units` for times in days. The order of
    `levels` is that in which they are looked for, because "not urgent" holds "urgent".
    """

    synonyms: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, int]
    units: Mapping[str, int]
    months: tuple[str, ...]
    levels: Mapping[Band, Pattern]
    urging: Pattern
    reassuring: Pattern
    negation: Pattern
    conditional: Pattern
    past: Pattern
    of_the_model: Pattern
    claim: Pattern
    found: Pattern
    hedge: Pattern
    certain: Pattern
    laboratory: Pattern
    excluded: Pattern
    not_excluded: Pattern
    cancer: Pattern
    disease: Pattern
    no_disease: Pattern
    medicine: Pattern
    fraction: Pattern
    out_of: Pattern
    score: Pattern
    points: Pattern
    pathway: Pattern
    and_: str
    title: str
    after_name: Pattern
    first_words: str


class LetterWords(Frozen):
    """The software's own sentences of a draft: those on the finding come from its report."""

    to_patient: str
    to_colleague: str
    about: str
    closing: str
    vocabulary: Vocabulary
