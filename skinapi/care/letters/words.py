"""The software's own sentences of a letter's draft, in each language."""

from collections.abc import Mapping

from skinapi.base.languages import Language, load_words
from skinapi.base.stored_record import Frozen
from skinapi.findings.records.letters import Addressee


class LetterWords(Frozen):
    """`model` is what a colleague reads of the model's answer, by whether the photo could be
    judged.
    """

    to_patient: str
    to_colleague: str
    about: Mapping[Addressee, str]
    spot: Mapping[str, str]
    ask: str
    model: Mapping[str, str]
    closing: str


LETTER_WORDS: Mapping[Language, LetterWords] = load_words("letters.LETTERS", LetterWords)
