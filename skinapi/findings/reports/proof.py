"""Decides by a program whether a sentence says what the passages say that it rests on, and no more.

A sentence and each passage are read as tokens: names of conditions, numbers, words that change a
claim (guards: "not", "usually", "can", "if"), prepositions that say which is which (links), and
the lemmas of all other words; words without a claim are passed over. A part of a sentence follows a
passage if its tokens are the passage's, in the passage's order, or with what stands before a comma
or an "if" moved behind it. All guards and numbers must be there, and most other words: words that
stand together are kept or left out together, so that no "fair skin" becomes "skin".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from skinapi.base.languages import Language
from skinapi.findings.reports.vocabulary import Vocabulary, load_vocabulary
from skinapi.model.passages import Passage

MOST_WORDS = 45
MOST_MOVED = 2
LEAST_COVERED = 0.6  # of the words of a passage that is used
# One sentence of letters, numbers and these marks: no question, quotation, heading, list, link.
_FORM = re.compile(r"[A-ZÀ-ÖØ-Þ0-9](?:[A-Za-zÀ-ÖØ-öø-ÿ0-9 ,;:()'’%\u00a0-]|\.(?=\d))*\.")


class Dropped(StrEnum):
    """Why a sentence is not kept."""

    FORM = "form"
    PASSAGE = "passage"
    WORD = "word"
    NAME = "name"
    NUMBER = "number"
    QUALIFIER = "qualifier"
    REARRANGED = "rearranged"
    SUBJECT = "subject"
    ALONE = "alone"


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    GUARD = "guard"
    LINK = "link"
    OF_FINDING = "of_finding"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Token:
    """`before`: the words without a claim, and the marks, between it and the token before."""

    kind: Kind
    key: str
    before: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_content(self) -> bool:
        return self.kind in (Kind.NAME, Kind.WORD, Kind.OF_FINDING)


def read_tokens(text: str, language: Language) -> list[Token]:
    vocabulary = load_vocabulary(language)
    words = vocabulary.split(text)
    tokens, before, place = list[Token](), list[str](), 0
    while place < len(words):
        taken, token = _read_one(words, place, vocabulary)
        beside = {vocabulary.lemma(word) for word in words[max(0, place - 1) : place + 2]}
        addressed = token and token[1] in ("you", "your", "vous", "votre")
        if token is None or (addressed and beside & vocabulary.addressed):
            before.append(words[place])
        else:
            tokens.append(Token(*token, tuple(before)))
            before = []
        place += taken
    return tokens


def _read_one(
    words: Sequence[str], place: int, known: Vocabulary
) -> tuple[int, tuple[Kind, str] | None]:
    """How many words are read, and as what; None where they carry no claim."""
    word = words[place]
    if number := _number(words, place, known):
        return 1, (Kind.NUMBER, number)
    for length in range(known.longest, 0, -1):
        phrase = tuple(words[place : place + length])
        if len(phrase) < length:
            continue
        if name := known.names.get(tuple(map(known.lemma, phrase))):
            return length, (Kind.NAME, name)
        guard = known.guards.get(phrase)
        if guard in ("about", "environ"):  # "about ten" is no more than "ten", "ask about" is
            behind = place + length
            guard = guard if behind < len(words) and _number(words, behind, known) else None
        if guard:
            return length, None if guard in known.free else (Kind.GUARD, guard)
    if word in known.links:
        return 1, (Kind.LINK, word)
    if word in known.free or not word[0].isalnum():
        return 1, None
    if word in known.free_of_finding:
        return 1, (Kind.OF_FINDING, word)
    return 1, (Kind.WORD, known.lemma(word))


def _number(words: Sequence[str], place: int, known: Vocabulary) -> str | None:
    word = words[place]
    if word[0].isdigit():
        return word.replace(" ", "").replace(",", ".")
    if word in ("one", "un", "une"):
        of = words[place + 1 : place + 3]
        counted = len(of) > 1 and of[0] in ("in", "sur") and _number(of, 1, known)
        return "1" if counted else None
    return str(known.numbers[word]) if word in known.numbers else None


@dataclass(frozen=True, slots=True)
class Unit:
    """A passage, or a part of one between semicolons, that may be told by itself."""

    passage: str
    about: str | None
    tokens: tuple[Token, ...]
    keys: frozenset[Token]
    parts: tuple[int, ...]  # of each token, between which commas and "and" it stands
    optional: frozenset[int]  # the parts that may be left out
    runs: tuple[tuple[int, ...], ...]  # words that stay together
    joins: frozenset[str]  # of "and" and "or", which it has

    @property
    def names(self) -> set[str]:
        return {token.key for token in self.tokens if token.kind is Kind.NAME}


def _units_of(passage: Passage, language: Language) -> tuple[Unit, ...]:
    texts = (passage.in_language(language), *passage.also.get(language, ()))
    return _read_units(passage.id, passage.about, texts, language)


@lru_cache(maxsize=1024)
def _read_units(
    passage: str, about: str | None, texts: tuple[str, ...], language: Language
) -> tuple[Unit, ...]:
    known = load_vocabulary(language)
    parts = [part for text in texts for part in re.split(r"[\s\u00a0]?;\s", text)]
    return tuple(_unit(passage, about, read_tokens(part, language), known) for part in parts)


def _unit(passage: str, about: str | None, read: list[Token], known: Vocabulary) -> Unit:
    tokens, part, parts = _without_address(read, about), 0, list[int]()
    added = {0: False}
    for token in tokens:
        marks = {*token.before} & {",", ":", "and", "et"}
        part += bool(marks)
        added.setdefault(part, bool(marks & {"and", "et"}))
        parts.append(part)
    hard = {part for part, token in zip(parts, tokens, strict=True) if not _may_go(token, known)}
    return Unit(
        passage=passage,
        about=about,
        tokens=tuple(tokens),
        keys=frozenset(tokens),
        parts=tuple(parts),
        optional=frozenset(part for part in added if part and (added[part] or part not in hard)),
        runs=tuple(_find_runs(tokens, known)),
        joins=_joins(tokens),
    )


def _may_go(token: Token, known: Vocabulary) -> bool:
    return token.kind is not Kind.NUMBER and (
        token.kind is not Kind.GUARD or token.key in known.weak
    )


def _joins(tokens: Iterable[Token]) -> frozenset[str]:
    return frozenset({"and", "or", "et", "ou"} & {word for one in tokens for word in one.before})


def _without_address(tokens: Sequence[Token], about: str | None) -> list[Token]:
    """Of what is about the finding, words that address the reader claim nothing."""
    if about is not None:
        return [*tokens]
    return [token for token in tokens if token.kind is not Kind.OF_FINDING]


def _find_runs(tokens: Sequence[Token], known: Vocabulary) -> Iterator[tuple[int, ...]]:
    run: list[int] = []
    for place, token in enumerate(tokens):
        spared = token.kind is Kind.WORD and token.key in known.spared
        joined = known.articles >= {*token.before} and (
            not token.before or known.of & {*token.before}
        )
        if not token.is_content or not joined:
            yield tuple(run)
            run = []
        if token.is_content and not spared:
            run.append(place)
    yield tuple(run)


def _follows(part: Sequence[Token], unit: Unit, known: Vocabulary) -> bool:
    """Whether this part of a sentence says what the unit says."""
    part = _without_own_name(part, unit, known)
    inner = {word for token in part[1:] for word in token.before}
    joins = {"and", "or", "et", "ou"} & inner
    if not part or (joins and unit.joins and not joins <= unit.joins):
        return False
    places = _place(part, unit)
    return (
        places is not None
        and _keeps_names(part, places, unit, known)
        and _keeps_all(set(places), unit, known)
        and _keeps_order(places, unit, known)
        and all(
            _is_bound(part, places, at, unit, known)
            for at, token in enumerate(part)
            if token.kind in (Kind.GUARD, Kind.NUMBER)
        )
    )


def _without_own_name(part: Sequence[Token], unit: Unit, known: Vocabulary) -> Sequence[Token]:
    """The name of the condition may stand in place of "it", but not behind "is"."""
    if unit.about is None or unit.names:
        return part
    own = Token(Kind.NAME, unit.about)
    return [
        token
        for place, token in enumerate(part)
        if token != own
        or known.copulas & {*token.before}
        or (not place and not known.before_name >= {*token.before})
    ]


def _place(part: Sequence[Token], unit: Unit) -> list[int] | None:
    """Where in the unit each token stands; of several places the next one behind the last."""
    places = list[int]()
    for token in part:
        free = [
            place
            for place, other in enumerate(unit.tokens)
            if other == token and place not in places
        ]
        if not free:
            return None
        last = places[-1] if places else -1
        places.append(next((place for place in free if place > last), free[0]))
    return places


def _keeps_names(
    part: Sequence[Token], places: Sequence[int], unit: Unit, known: Vocabulary
) -> bool:
    """No condition is said to be there ("it is a melanoma") of which that is not said."""
    return not any(
        token.kind is Kind.NAME
        and known.copulas & {*token.before}
        and not known.copulas & {*unit.tokens[place].before}
        for token, place in zip(part, places, strict=True)
    )


def _keeps_all(matched: set[int], unit: Unit, known: Vocabulary) -> bool:
    """Whether nothing is left out without which the rest would say something else."""
    tokens, told = unit.tokens, {unit.parts[place] for place in matched}
    left_out = unit.optional - told
    needed = [i for i in range(len(tokens)) if unit.parts[i] not in left_out]
    for place in needed:
        token = tokens[place]
        if place in matched or token.is_content or token.key in known.spared:
            continue
        if token.kind is not Kind.LINK or place + 1 in matched:
            return False
    if any(0 < len(matched.intersection(run)) < len(run) for run in unit.runs):
        return False
    words = [place for place in needed if tokens[place].is_content]
    return len(matched.intersection(words)) >= LEAST_COVERED * len(words)


def _keeps_order(places: Sequence[int], unit: Unit, known: Vocabulary) -> bool:
    """At most two blocks have moved; what stands before a word with two sides ("into", "mimic")
    stays before it; numbers, and words of how many and whether, keep their order.
    """
    moved = sum(later < sooner for sooner, later in pairwise(places))
    if moved > MOST_MOVED:
        return False
    if not moved:
        return True
    tokens = unit.tokens
    for at, place in enumerate(places):
        sided = tokens[place].kind is Kind.LINK or tokens[place].key in known.directed
        if sided and any((before > place) for before in places[:at]):
            return False
        if sided and any((behind < place) for behind in places[at:]):
            return False
    fixed = [place for place in places if tokens[place].kind is Kind.NUMBER]
    fixed_of = dict[int | None, list[int]]()
    for place in places:
        if tokens[place].kind is Kind.GUARD and tokens[place].key not in known.floating:
            fixed_of.setdefault(_beside(place, unit, set(places))[1], []).append(place)
    return all(one == sorted(one) for one in (fixed, *fixed_of.values()))


def _beside(place: int, unit: Unit, matched: set[int]) -> tuple[int | None, int | None]:
    """The words before and behind it in the unit that are told."""
    told = [i for i in sorted(matched) if unit.tokens[i].is_content]
    before = [i for i in told if i < place]
    return (before[-1] if before else None), next((i for i in told if i > place), None)


def _is_bound(
    part: Sequence[Token], places: Sequence[int], at: int, unit: Unit, known: Vocabulary
) -> bool:
    """Whether a guard or number stands beside the word beside which it stands in the unit."""
    left, right = _beside(places[at], unit, set(places))
    behind = next((places[i] for i in range(at + 1, len(part)) if part[i].is_content), None)
    before = next((places[i] for i in range(at - 1, -1, -1) if part[i].is_content), None)
    beside = {behind, before} - {None}
    if right is None or part[at].key in known.floating:
        return left in beside or right in beside or not beside
    return right in beside


@dataclass(frozen=True, slots=True)
class Proved:
    """A kept sentence: the passages that it says, and the condition of which it speaks last."""

    passages: tuple[str, ...]
    subject: str | None


def prove(
    text: str, cited: Sequence[Passage], language: Language, *, subject: str | None
) -> Proved | Dropped:
    """`subject` is the condition of which the sentence before speaks, if it was kept."""
    if not _FORM.fullmatch(text) or len(text.split()) > MOST_WORDS:
        return Dropped.FORM
    known, tokens = load_vocabulary(language), read_tokens(text, language)
    units = [unit for passage in cited for unit in _units_of(passage, language)]
    if not units or not tokens:
        return Dropped.PASSAGE
    proved = _split(tokens, units, known, subject)
    return proved or _why(tokens, units, known, subject)


def _split(
    tokens: list[Token], units: list[Unit], known: Vocabulary, subject: str | None
) -> Proved | None:
    """Find parts of the sentence of which each follows another unit."""
    failed = set[tuple[int, str | None, frozenset[int]]]()

    def search(begin: int, told: str | None, used: tuple[int, ...]) -> Proved | None:
        if begin == len(tokens):
            return Proved(tuple(dict.fromkeys(units[one].passage for one in used)), told)
        state = begin, told, frozenset(used)
        if state in failed:
            return None
        failed.add(state)
        for place, unit in enumerate(units):
            if place in used:
                continue
            for end in range(_reach(tokens, begin, unit), begin, -1):
                part = _without_address(tokens[begin:end], unit.about)
                spoken = _subject_of(part, unit, told)
                if spoken is None and unit.about:
                    continue
                if _follows(part, unit, known):
                    found = search(end, spoken, (*used, place))
                    if found:
                        return found
        return None

    return search(0, subject, ())


def _reach(tokens: Sequence[Token], begin: int, unit: Unit) -> int:
    end = begin
    while end < len(tokens) and (
        tokens[end] in unit.keys
        or (tokens[end].kind is Kind.OF_FINDING and unit.about is None)
        or tokens[end] == Token(Kind.NAME, unit.about or "")
    ):
        end += 1
    return end


def _subject_of(part: Sequence[Token], unit: Unit, told: str | None) -> str | None:
    """Of what the part speaks for its reader; None where that is not its passage's condition."""
    named = [token.key for token in part if token.kind is Kind.NAME]
    if unit.about is None:
        return named[0] if len({*named}) == 1 else None
    return unit.about if unit.about in (*named, told) else None


def _why(tokens: list[Token], units: list[Unit], known: Vocabulary, subject: str | None) -> Dropped:
    """The reason that tells an operator most."""
    keys = {token for unit in units for token in unit.keys}
    about = {unit.about for unit in units}
    keys |= {Token(Kind.NAME, key) for key in about if key}
    strange = {
        token.kind
        for token in tokens
        if token not in keys and not (token.kind is Kind.OF_FINDING and None in about)
    }
    for kind, reason in _REASONS.items():
        if kind in strange:
            return reason
    if any(_split(tokens, units, known, key) for key in about if key and key != subject):
        return Dropped.SUBJECT
    guards = {token for token in keys if token.kind in (Kind.GUARD, Kind.NUMBER)}
    return Dropped.REARRANGED if guards <= {*tokens} else Dropped.QUALIFIER


_REASONS = {
    Kind.WORD: Dropped.WORD,
    Kind.OF_FINDING: Dropped.WORD,
    Kind.LINK: Dropped.WORD,
    Kind.NAME: Dropped.NAME,
    Kind.NUMBER: Dropped.NUMBER,
    Kind.GUARD: Dropped.QUALIFIER,
}
