"""The reviewed words of the proof: which carry no claim, which change a claim, which mean the same,
and the lemma of each. They are in the YAML files beside this one; the lemmas are a table that
`python -m tests.repository.lemmas` writes.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, cached_property
from itertools import dropwhile, islice
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict

from skinapi.base.languages import Language

LEMMAS = Path(__file__).parent
_WORD = re.compile(r"\d+(?:[.,]\d+)?(?: ?%)?|[^\W\d_]+(?:-[^\W\d_]+)*|[,;:()]")
_SPELLED: Mapping[Language, Sequence[tuple[str, str]]] = {
    "en": ((r"\bcan(?:not|'t)\b", "can not"), (r"n't\b", " not"), (r"'s\b|s'(?= )", "")),
    "fr": (
        (r"\bs'(?=ils?\b)", "si "),
        (r"\bce(?= (?:ne|n'|sont|peut|peuvent)\b)", "c"),
        (r"'", " "),
    ),
}

Phrase = tuple[str, ...]
_ARTICLES = frozenset({"a", "an", "le", "la", "l", "un", "une", "de", "d", "du", ","})
_APPOSED = ([","], ["a"], ["an"], ["the"], ["un"], ["une"])
COLON = ":"
_JOINTS = frozenset({"and", "et", ";", COLON})
RELATIVES = frozenset({"that", "qui"})


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
        return self.kind in (Kind.GUARD, Kind.NUMBER) and not self.joins

    @property
    def joins(self) -> bool:
        """Whether another passage may follow it."""
        return self.key in _JOINTS


_THE, IT = Token(Kind.GUARD, "the"), Token(Kind.GUARD, "it")


class Vocabulary(BaseModel):
    """What the lists are for stands in `en.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    free: frozenset[str]
    pointing: frozenset[str]
    guards: Mapping[Phrase, str]
    names: Mapping[Phrase, str]
    numbers: Mapping[str, int]
    lemmas: Mapping[str, str]

    def lemma(self, word: str) -> str:
        return self.lemmas.get(word, word)

    @cached_property
    def longest(self) -> int:
        """The words of the longest phrase."""
        return max(len(phrase) for phrase in (*self.guards, *self.names))

    def split(self, text: str) -> list[str]:
        return words_in(text, self.language)

    def read_tokens(self, text: str) -> list[Token]:
        """The words that claim something, and the marks between two clauses."""
        words, tokens, place = self.split(text), list[Token](), 0
        while place < len(words):
            taken, token = self._read_one(words, place)
            if words[place] in self.pointing and self._points(words, place, tokens):
                token = _THE if words[place] == _THE.key else IT
            if token and token.kind is Kind.NAME and token in tokens and tokens[-1] == _THE:
                tokens.pop()  # the one of which the sentence speaks
            tokens += [token] if token else []
            place += taken
        return tokens

    def _points(self, words: Sequence[str], place: int, before: Sequence[Token]) -> bool:
        """Whether it says of the spot that it is what is named: "it, an ordinary mole"."""
        last = next((word for word in reversed(words[:place]) if word != ","), None)
        if self._name_follows(words, place + 1):
            return True
        if words[place] == _THE.key:
            return False
        begins = last is None or (bool(before) and before[-1].joins)
        names = bool(before) and before[-1].kind is Kind.NAME and last not in self.free
        return names or (begins and words[place + 1 : place + 2] in _APPOSED)

    def _read_one(self, words: Sequence[str], place: int) -> tuple[int, Token | None]:
        """How many words are read, and as what; None where they claim nothing."""
        word = words[place]
        if number := self._read_number(words, place):
            return 1, Token(Kind.NUMBER, number)
        for length in range(self.longest, 0, -1):
            phrase = tuple(words[place : place + length])
            if len(phrase) < length:
                continue
            if name := self.names.get(tuple(map(self.lemma, phrase))):
                return length, Token(Kind.NAME, name)
            guard = self.guards.get(phrase)
            if guard in ("about", "environ"):  # "about ten" is no more than "ten", "ask about" is
                behind = place + length
                guard = guard if behind < len(words) and self._read_number(words, behind) else None
            if guard:
                return length, Token(Kind.GUARD, guard)
        if word in self.free or word == ",":
            return 1, None
        if word in RELATIVES:  # with a comma it says something of all, without of some
            return 1, Token(Kind.WORD, word + ("," if words[:place][-1:] == [","] else ""))
        return 1, Token(Kind.WORD, self.lemma(word))

    def _name_follows(self, words: Sequence[str], place: int) -> bool:
        """Whether nothing but articles, marks and one adjective is between."""
        behind = dropwhile(_ARTICLES.__contains__, map(self.lemma, words[place:]))
        begun = tuple(islice(behind, self.longest + 1))
        starts = (0, 1) if begun and begun[0] not in self.free else (0,)
        return any(
            begun[start:end] in self.names for start in starts for end in range(len(begun) + 1)
        )

    def _read_number(self, words: Sequence[str], place: int) -> str | None:
        word = words[place]
        if word[0].isdigit():
            return word.replace(" ", "").replace(",", ".")
        if word in ("one", "un", "une"):
            of = words[place + 1 : place + 3]
            counted = len(of) > 1 and of[0] in ("in", "sur") and self._read_number(of, 1)
            return "1" if counted else None
        return str(self.numbers[word]) if word in self.numbers else None


@cache
def load_vocabulary(language: Language) -> Vocabulary:
    text = LEMMAS.joinpath(f"{language}.yaml").read_text("utf-8")
    # Texts alone: else "no" and "on" would be read as truth values.
    written = yaml.load(text, yaml.CBaseLoader)  # noqa: S506 (it makes nothing but texts)
    lemmas = dict(_read_lemmas(language))
    # The first word of a group stands for all of it.
    for first, *others in written.pop("same"):
        stands = lemmas.get(first, first)
        alike = {lemmas.get(word, word) for word in others} | {*others}
        lemmas |= {word: stands for word, lemma in lemmas.items() if lemma in alike}
        lemmas |= dict.fromkeys(alike, stands)
    guards = {
        tuple(words_in(phrase, language)): group[0].replace(" ", "_")
        for group in written.pop("guards")
        for phrase in group
    }
    names = {
        tuple(lemmas.get(word, word) for word in words_in(name, language)): condition
        for condition, called in written.pop("names").items()
        for name in called
    }
    for name in ("free", "pointing"):
        written[name] = written[name].split()
    made = {"language": language, "guards": guards, "names": names, "lemmas": lemmas}
    return Vocabulary.model_validate({**written, **made})


def _read_lemmas(language: Language) -> Iterator[tuple[str, str]]:
    for line in LEMMAS.joinpath(f"lemmas_{language}.txt").read_text("utf-8").splitlines():
        lemma, *forms = line.split()
        yield from ((form, lemma) for form in forms)
