"""The reviewed words of the proof: which carry no claim, which change a claim, which mean the same,
and the lemma of each. They are in the YAML files beside this one; the lemmas are a table that
`python -m tests.repository.lemmas` writes.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

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
        (r"\b(l[ea]s?) trouve\b", r"\1"),
        (r"'", " "),
    ),
}

_LISTS = (
    *("free", "copulas", "floating", "leftward", "directed", "addressed", "links", "before_name"),
    *(
        "joins",
        "joints",
        "joining",
        "within",
        "halves",
        "whole",
        "bounded",
        "relatives",
        "conditional",
    ),
)

Phrase = tuple[str, ...]


def words_in(text: str, language: Language) -> list[str]:
    """Lower-case words, numbers and the marks between them."""
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'").replace("\u00a0", " ")
    for spelled, meant in _SPELLED[language]:
        text = re.sub(spelled, meant, text)
    return _WORD.findall(text)


class Vocabulary(BaseModel):
    """What the lists are for stands in `en.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    free: frozenset[str]
    copulas: frozenset[str]
    guards: Mapping[Phrase, str]
    floating: frozenset[str]
    leftward: frozenset[str]
    directed: frozenset[str]
    addressed: frozenset[str]
    links: frozenset[str]
    before_name: frozenset[str]
    joins: frozenset[str]
    joints: frozenset[str]
    within: frozenset[str]
    halves: frozenset[str]
    whole: frozenset[str]
    joining: frozenset[str]
    bounded: frozenset[str]
    relatives: frozenset[str]
    conditional: frozenset[str]
    names: Mapping[Phrase, str]
    numbers: Mapping[str, int]
    lemmas: Mapping[str, str]

    @property
    def joint(self) -> str:
        """ "and": it may join what a passage only puts side by side."""
        return next(iter(self.joins & self.joints))

    def lemma(self, word: str) -> str:
        return self.lemmas.get(word, word)

    @cached_property
    def longest(self) -> int:
        """The words of the longest phrase."""
        return max(len(phrase) for phrase in (*self.guards, *self.names))

    def pairs_negations(self, text: str) -> bool:
        """Whether each half of a negation ("ne") has its other half: alone it negates, too."""
        words = self.split(text)
        halves = sum(word in self.halves for word in words)
        return halves <= sum(word in self.whole for word in words)

    def split(self, text: str) -> list[str]:
        return words_in(text, self.language)


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
    for name in _LISTS:
        written[name] = written[name].split()
    made = {"language": language, "guards": guards, "names": names, "lemmas": lemmas}
    return Vocabulary.model_validate({**written, **made})


def _read_lemmas(language: Language) -> Iterator[tuple[str, str]]:
    for line in LEMMAS.joinpath(f"lemmas_{language}.txt").read_text("utf-8").splitlines():
        lemma, *forms = line.split()
        yield from ((form, lemma) for form in forms)
