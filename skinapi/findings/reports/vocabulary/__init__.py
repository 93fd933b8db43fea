"""Reads a sentence as the proof compares it: its words as they are, without capitals and commas,
and what a condition is called as one token, with its article. The YAML files beside this one say
what it is called, and which words change a claim: those name the reason why a sentence is dropped.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from skinapi.base.languages import Language

_WORD = re.compile(r"\d+(?:[.,]\d+)?(?: ?%)?|[^\W\d_]+(?:-[^\W\d_]+)*|[,;:()]")
_SPELLED: Mapping[Language, Sequence[tuple[str, str]]] = {
    "en": ((r"\bcan(?:not|'t)\b", "can not"), (r"n't\b", " not"), (r"'s\b|s'(?= )", "")),
    "fr": (
        (r"\bs'(?=ils?\b)", "si "),
        (r"\b([dn]|qu)'", r"\1e "),
        (r"'", " "),
    ),
}
# Before a name these say no more than it: a French "le" means any of its kind, "the" does not.
ARTICLES: Mapping[Language, frozenset[str]] = {
    "en": frozenset({"a", "an"}),
    "fr": frozenset({"un", "une", "le", "la", "les", "des"}),
}
# Conditions whose French name is feminine.
FEMININE = frozenset({"actinic_keratosis", "benign_keratosis", "vascular_lesion"})
RELATIVES = frozenset({"that", "which", "qui"})


def pronouns_of(condition: str | None, language: Language) -> tuple[str, str]:
    if language == "en":
        return "it", "they"
    return ("elle", "elles") if condition in FEMININE else ("il", "ils")


def words_in(text: str, language: Language) -> list[str]:
    """Lower-case words, numbers and the marks between them."""
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'").replace("\u00a0", " ")
    for spelled, meant in _SPELLED[language]:
        text = re.sub(spelled, meant, text)
    return _WORD.findall(text)


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    GUARD = "guard"
    WORD = "word"


class Token(NamedTuple):
    kind: Kind
    key: str

    @property
    def is_guard(self) -> bool:
        return self.kind in (Kind.GUARD, Kind.NUMBER)

    @property
    def joins(self) -> bool:
        """Whether another passage may follow it."""
        return self.key == ";"


class Vocabulary(BaseModel):
    """What the lists are for stands in `en.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    guards: frozenset[str]
    numbers: frozenset[str]
    names: Mapping[tuple[str, ...], str]

    @cached_property
    def _longest(self) -> int:
        """The words of the longest name."""
        return max(map(len, self.names))

    def read_tokens(self, text: str) -> list[Token]:
        words, tokens, place = words_in(text, self.language), list[Token](), 0
        while place < len(words):
            taken, token = self._read_one(words, place)
            place += taken
            named = token is not None and token.kind is Kind.NAME
            if named and tokens and tokens[-1].key in ARTICLES[self.language]:
                tokens.pop()
            tokens += [token] if token else []
        return tokens

    def _read_one(self, words: Sequence[str], place: int) -> tuple[int, Token | None]:
        """How many words are read, and as what; None for a comma."""
        word = words[place]
        for length in range(self._longest, 0, -1):
            if name := self.names.get(tuple(words[place : place + length])):
                return length, Token(Kind.NAME, name)
        if word == ",":
            return 1, None
        if word[0].isdigit():
            return 1, Token(Kind.NUMBER, word.replace(" ", "").replace(",", "."))
        if word in RELATIVES and words[:place][-1:] == [","]:
            # With a comma it says something of all, without of some.
            return 1, Token(Kind.WORD, f"{word},")
        if word in self.numbers:
            return 1, Token(Kind.NUMBER, word)
        return 1, Token(Kind.GUARD if word in self.guards else Kind.WORD, word)


@cache
def load_vocabulary(language: Language) -> Vocabulary:
    text = Path(__file__).with_name(f"{language}.yaml").read_text("utf-8")
    # Texts alone: else "no" and "on" would be read as truth values.
    written = yaml.load(text, yaml.CBaseLoader)  # noqa: S506 (it makes nothing but texts)
    names = {
        tuple(words_in(name, language)): condition
        for condition, called in written["names"].items()
        for name in called
    }
    lists = {name: frozenset(written[name].split()) for name in ("guards", "numbers")}
    return Vocabulary(language=language, names=names, **lists)
