"""Reads the wordings of a passage: a sentence in words of its own with these marks.

`[x]` may be left out. `(a|b)` is one of them. `{a, b or c}` are these in any order, `<a, b or c>`
one or more of them in any order. `~it` may be the name of the passage's own condition. That name
may be "it" at the begin of a wording, but for `!name`. A wording that begins with `!` may stand
behind any other.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from skinapi.base.languages import Language
from skinapi.findings.reports.vocabulary import (
    ARTICLES,
    RELATIVES,
    Kind,
    Token,
    Vocabulary,
    load_vocabulary,
    pronouns_of,
)
from skinapi.model.conditions import NORMAL_SKIN
from skinapi.model.passages import Passage

_CLOSING = {"[": "]", "(": ")", "{": "}", "<": ">"}
_HALVES = re.compile(r"[\s\u00a0]?;\s")
_NEVER = r"(?!)"
# They speak of one that bleeds, grows, is neglected or in doubt.
OF_ONE_OF_THEM = re.compile(
    r".*\.(?:others|management)|melanocytic_nevus\.exam|squamous_cell_carcinoma\.late"
)
CHOICE = re.compile(r"\|")
ITEMS = re.compile(r",? (?:and|or|et|ou) |, ")


@dataclass(frozen=True, slots=True)
class Wordings:
    """`pattern` matches the keys of a wording's tokens, `alone` those of one that says by itself
    of what it speaks. `keys` are all tokens of all wordings,
    `guards` those of the first that may not be left out.
    """

    passage: str
    about: str | None
    pattern: re.Pattern[str]
    alone: re.Pattern[str]
    keys: frozenset[Token]
    guards: frozenset[Token]

    @property
    def is_of_finding(self) -> bool:
        return self.passage.startswith("finding.")

    def matches(self, part: Sequence[Token], told: str | None, keys: str) -> bool:
        """Whether the part is one of them, and a reader takes it to speak of the passage's
        condition: it says so, or the words before speak of that alone.
        """
        says = self.about is None or self.about in (told, *names_in(part))
        return bool((self.pattern if says else self.alone).fullmatch(keys))

    def subject_behind(self, part: Sequence[Token]) -> str | None:
        """What "it" is for the reader behind the part; None where that may be one of several, the
        spot itself ("most likely a mole"), or one that bleeds, grows or is in doubt.
        """
        alone = names_in(part) <= {self.about} and not OF_ONE_OF_THEM.fullmatch(self.passage)
        return self.about if alone else None


def names_in(tokens: Iterable[Token]) -> set[str]:
    return {token.key for token in tokens if token.kind is Kind.NAME}


def join_keys(tokens: Iterable[Token]) -> str:
    return "".join(f"{token.key} " for token in tokens)


def read_wordings(passage: Passage, language: Language) -> Wordings:
    # What the program does not know is said of no condition.
    about = None if passage.about == NORMAL_SKIN else passage.about
    return _read(passage.id, about, passage.wordings(language), language)


@lru_cache(maxsize=1024)
def _read(passage: str, about: str | None, texts: tuple[str, ...], language: Language) -> Wordings:
    known = load_vocabulary(language)
    # The halves of a wording may be told apart.
    halves = [half for text in texts for half in split_outside(text, _HALVES)]
    readers = [_Reader(known, about, half) for half in halves]
    patterns = [reader.pattern() for reader in readers]
    alone = [one for one, half in zip(patterns, halves, strict=True) if half.startswith("!")]
    keys = {token for reader in readers for token in reader.keys}
    must = re.sub(r"\[[^\]]*\]", "", texts[0])
    return Wordings(
        passage=passage,
        about=about,
        pattern=re.compile("|".join(patterns)),
        alone=re.compile("|".join(alone or [_NEVER])),
        keys=frozenset({*keys, *([Token(Kind.NAME, about)] if about else [])}),
        guards=frozenset(token for token in known.read_tokens(must) if token.is_guard),
    )


class _Reader:
    """Makes a pattern of one wording."""

    def __init__(self, known: Vocabulary, about: str | None, wording: str) -> None:
        self._known, self._about, self._wording = known, about, wording
        self.keys = {Token(Kind.WORD, word) for word in pronouns_of(about, known.language)}
        self._must_name = self._is_pronoun = False

    def pattern(self) -> str:
        return self._read(self._wording.rstrip("."), begins=True)

    def _read(self, text: str, *, begins: bool) -> str:
        parts = list[str]()
        for mark, inner in scan(text):
            own = begins and not any(parts)
            parts.append(self._read_part(mark, inner, begins=own))
        return "".join(parts)

    def _read_part(self, mark: str, inner: str, *, begins: bool) -> str:
        if mark in ("{", "<"):
            return self._read_list(inner, whole=mark == "{")
        if mark == "~":
            self._is_pronoun = True
            return ""
        if mark == "!":
            self._must_name = True
            return ""
        if mark == "":
            return self._read_words(inner, begins=begins)
        choices = [self._read(choice, begins=begins) for choice in split_outside(inner, CHOICE)]
        return f"(?:{'|'.join(choices)}){'?' if mark == '[' else ''}"

    def _own_name(self, *others: str) -> str:
        said = (self._about, *pronouns_of(self._about, self._known.language), *others)
        return f"(?:{'|'.join(f'{one} ' for one in said)})"

    def _read_list(self, text: str, *, whole: bool) -> str:
        items = [self._read(item, begins=False) for item in split_outside(text, ITEMS)]
        said = re.search(r" (and|or|et|ou) ", text)
        joint = f"{said[1]} " if said else ""
        self.keys |= {Token(Kind.WORD, said[1])} if said else set()
        if whole:
            between = f"(?:{joint})?"
            orders = (between.join(rest) + joint + last for *rest, last in permutations(items))
            return f"(?:{'|'.join(orders)})"
        one = f"(?:{'|'.join(items)})"
        return f"{one}(?:(?:(?:{joint})?{one})*{joint}{one})?"

    def _read_words(self, text: str, *, begins: bool) -> str:
        pattern, must_name, is_pronoun = "", self._must_name, self._is_pronoun
        if text.strip():
            self._must_name = self._is_pronoun = False
        tokens = self._known.read_tokens(text)
        for place, token in enumerate(tokens, 1):
            self.keys.add(token)
            first = not pattern
            own = token.kind is Kind.NAME and token.key == self._about
            if token.key in RELATIVES and first:  # a comma may be in the words before
                pattern += f"{token.key},? "
                self.keys.add(Token(token.kind, f"{token.key},"))
            elif first and is_pronoun and self._about:
                pattern += self._own_name(token.key)
            elif first and begins and own and not must_name:
                pattern += self._own_name()
            elif place == len(tokens) and token.key in ARTICLES[self._known.language]:
                pattern += f"(?:{token.key} )?"  # it belongs to the name of a choice
            else:
                pattern += re.escape(f"{token.key} ")
        return pattern


def scan(text: str) -> Iterator[tuple[str, str]]:
    """Each mark with what is inside it, and the words between them with no mark."""
    words, at = "", 0
    while at < len(text):
        end = _find_close(text, at)
        inner = text[at + 1 : end]
        if text[at] in "~!" or (end and (text[at] != "(" or "|" in inner)):
            yield from [("", words), (text[at], inner)]
            words, at = "", end or at
        else:
            words += text[at]
        at += 1
    yield "", words


def _find_close(text: str, at: int) -> int:
    """Where the mark is closed; 0 if it is none."""
    opening, depth = text[at], 0
    closing = _CLOSING.get(opening)
    for place in range(at, len(text) if closing else at):
        depth += (text[place] == opening) - (text[place] == closing)
        if not depth:
            return place
    return 0


def split_outside(text: str, separator: re.Pattern[str]) -> list[str]:
    """Split where the separator is inside no mark."""
    parts, begin, depth = list[str](), 0, 0
    for found in re.finditer(rf"[\[({{<]|[\])}}>]|{separator.pattern}", text):
        if found[0] in _CLOSING:
            depth += 1
        elif found[0] in _CLOSING.values():
            depth -= 1
        elif not depth:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]
