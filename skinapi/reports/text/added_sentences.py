"""The sentences that an LLM may add to the template's: a closed list, with slots for the name of a
condition and for a number.

A list of words is not enough: of plain words alone one can make "This report is an example", which
disowns it. So each sentence that can come out of a form is read by people (and by a test) before.
"""

import re
from functools import cache
from itertools import product

from skinapi.languages import Language
from skinapi.reports.text.catalogues import CATALOGUES
from skinapi.reports.text.sentences import NAME_PLACEHOLDER, NUMBER, WORD
from skinapi.vision.conditions import conditions_table

NUMBER_PLACEHOLDER = "N"
_CHOICE = re.compile(r"\[([^\]]*)\]")
_NUMBER = re.compile(rf"{NUMBER.pattern}(?: ?%)?")


def is_admitted(sentence: str, language: Language) -> bool:
    """Whether the sentence is one of the list. Its name and number are not compared with facts."""
    return _shape(sentence, language) in _shapes(language)


@cache
def admitted_sentences(language: Language) -> tuple[str, ...]:
    """All sentences of a language, with NAME and N in place of a name and a number."""
    forms = CATALOGUES[language].vocabulary.sentences
    return tuple(sentence for form in forms for sentence in _variants(form))


@cache
def admitted_words(language: Language) -> frozenset[str]:
    """The words of these sentences."""
    terms, words = CATALOGUES[language].vocabulary.terms, set[str]()
    for sentence in admitted_sentences(language):
        text = sentence.replace(NAME_PLACEHOLDER, " ").replace(f" {NUMBER_PLACEHOLDER}", " ")
        text = text.casefold()
        for term in terms:
            text = text.replace(term, " ")
        words.update(WORD.findall(text))
    return frozenset(words)


def _variants(form: str) -> list[str]:
    """Every sentence of a form: `[a|b]` stands for `a` or `b`."""
    pieces = _CHOICE.split(form)
    return ["".join(chosen) for chosen in product(*(piece.split("|") for piece in pieces))]


def _shape(sentence: str, language: Language) -> str:
    """In lower case, with placeholders for names and numbers.

    Only the table's own name counts as one. Other spellings may name a part of what the condition
    stands for, which does not have the probability of the whole.
    """
    text = _own_names(language).sub(NAME_PLACEHOLDER, sentence.casefold())
    # Of the terms, one has a number in it.
    for number, term in enumerate(CATALOGUES[language].vocabulary.terms):
        text = text.replace(term, "T" * (1 + number))
    return _NUMBER.sub(NUMBER_PLACEHOLDER, text)


@cache
def _own_names(language: Language) -> re.Pattern[str]:
    names = (condition.names.in_language(language) for condition in conditions_table().conditions)
    longest_first = sorted((name.casefold() for name in names), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


@cache
def _shapes(language: Language) -> frozenset[str]:
    """A real name and a number stand in for the placeholders, and are replaced again."""
    name = conditions_table().conditions[0].names.in_language(language)
    filled = (
        re.sub(rf"\b{NUMBER_PLACEHOLDER}\b", "1", sentence).replace(NAME_PLACEHOLDER, name)
        for sentence in admitted_sentences(language)
    )
    return frozenset(_shape(sentence, language) for sentence in filled)
