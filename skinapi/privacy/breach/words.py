"""The structure of a language's words for a breach: `skinapi/words/<language>/breach.py`."""

from collections.abc import Mapping

from skinapi.languages import load_words
from skinapi.stored_record import Frozen


class BreachWords(Frozen):
    """`gaps`: what the trail cannot tell. `note`: what Article 33 asks for, in lines."""

    acts: Mapping[str, str]
    gaps: Mapping[str, str]
    questions: Mapping[str, str]
    note: str
    columns: Mapping[str, str]


WORDS = load_words("breach.BREACH", BreachWords)
