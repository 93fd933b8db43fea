"""Decides by a program whether a sentence says what the passages say that it rests on, and no more.

A sentence and each passage are read as tokens: names of conditions, numbers, words that change a
claim (guards: "not", "usually", "can", "if"), prepositions that say which is which (links), and
the lemmas of all other words; words without a claim are passed over. A part of a sentence follows a
passage if it has all its tokens and no others, but for what the passage has in brackets; if at most
two blocks of them have moved; and if each guard and number stands before the same word. Parts are
joined by "and", "but" or a semicolon alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate, pairwise, takewhile

from skinapi.base.languages import Language
from skinapi.findings.reports.vocabulary import Vocabulary, load_vocabulary
from skinapi.model.passages import Passage

MOST_WORDS = 45
MOST_MOVED = 1
# One sentence of letters, numbers and these marks: no question, quotation, heading, list, link.
_FORM = re.compile(
    r"[A-ZÀ-ÖØ-Þ0-9](?:[A-Za-zÀ-ÖØ-öø-ÿ0-9 ,;:()%\u00a0-]|(?<=[A-Za-zÀ-ÿ])['’]|\.(?=\d))*\."
)
_MARKS = frozenset(",;:()")


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


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    GUARD = "guard"
    LINK = "link"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Token:
    """`before`: the words without a claim, and the marks, between it and the token before."""

    kind: Kind
    key: str
    before: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_content(self) -> bool:
        return self.kind in (Kind.NAME, Kind.WORD)


def read_tokens(text: str, language: Language) -> list[Token]:
    vocabulary = load_vocabulary(language)
    words = vocabulary.split(text)
    tokens, before, place = list[Token](), list[str](), 0
    while place < len(words):
        taken, token = _read_one(words, place, vocabulary)
        beside = {vocabulary.lemma(word) for word in words[max(0, place - 1) : place + 2]}
        addressed = token and token[1] in ("you", "your", "vous", "votre")
        # "Your skin cancer" would be a diagnosis.
        addressed = addressed and "cancer" not in words[place : place + 3]
        if token is None or (addressed and beside & vocabulary.addressed):
            before.append(_known_as(words[place : place + taken], vocabulary))
        else:
            tokens.append(Token(*token, tuple(before)))
            before = []
        place += taken
    return tokens


def _known_as(words: Sequence[str], known: Vocabulary) -> str:
    """A word without a claim, or the first of the phrases that mean the same."""
    return known.guards.get(tuple(words), words[0])


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
    groups: tuple[int, ...]  # of each token; 0 must be told, of each other group all or nothing
    clauses: tuple[int, ...]  # of each token, between which commas it stands
    trailing: frozenset[str]  # the words without a claim behind the last token
    joins: tuple[str, ...]  # "and" or "or" before each token, or in the list in which it stands

    @property
    def subject(self) -> int | None:
        """Where it begins with the name of its condition, in place of which "it" may stand."""
        first = next((i for i, token in enumerate(self.tokens) if token.is_content), 0)
        return first if self.tokens[first] == Token(Kind.NAME, self.about or "") else None

    @property
    def names(self) -> set[str]:
        return {token.key for token in self.tokens if token.kind is Kind.NAME}


def _units_of(passage: Passage, language: Language) -> tuple[Unit, ...]:
    return _read_units(passage.id, passage.about, passage.wordings(language), language)


@lru_cache(maxsize=1024)
def _read_units(
    passage: str, about: str | None, texts: tuple[str, ...], language: Language
) -> tuple[Unit, ...]:
    known = load_vocabulary(language)
    parts = [part for text in texts for part in re.split(r"[\s\u00a0]?;\s", text)]
    return tuple(_unit(passage, about, part, known) for part in parts)


def _unit(passage: str, about: str | None, text: str, known: Vocabulary) -> Unit:
    tokens, groups = list[Token](), list[int]()
    # What stands in brackets may be left out.
    for place, part in enumerate(re.split(r"[\[\]]", text)):
        read = read_tokens(part, known.language)
        tokens += read
        groups += [place if place % 2 else 0] * len(read)
    return Unit(
        passage=passage,
        about=about,
        tokens=tuple(tokens),
        keys=frozenset(tokens),
        groups=tuple(groups),
        clauses=tuple(accumulate(int("," in token.before) for token in tokens)),
        trailing=frozenset(_read_trailing(text, known)),
        joins=tuple(_find_joins(tokens, known)),
    )


def _find_joins(tokens: Sequence[Token], known: Vocabulary) -> Iterator[str]:
    for place, token in enumerate(tokens):
        behind = tokens[place:] if "," in token.before else [token]
        yield next((join for one in behind for join in known.joins & {*one.before}), "")


def _follows(part: Sequence[Token], unit: Unit, known: Vocabulary) -> bool:
    """Whether this part of a sentence says what the unit says."""
    part = _without_own_name(part, unit, known)
    places = _place(part, unit)
    return (
        places is not None
        and _keeps_all(set(places), unit)
        and _keeps_small_words(part, places, unit, known)
        and _keeps_order(places, unit, known)
        and all(
            _is_bound(part, places, at, unit, known)
            for at, token in enumerate(part)
            if token.kind in (Kind.GUARD, Kind.NUMBER)
        )
    )


def _without_own_name(part: Sequence[Token], unit: Unit, known: Vocabulary) -> Sequence[Token]:
    """The name of its condition claims nothing in a passage, but for behind "is"."""
    if unit.about is None or unit.names:
        return part
    own = Token(Kind.NAME, unit.about)

    def count_copulas(tokens: Iterable[Token]) -> int:
        return sum(word in known.copulas for token in tokens for word in token.before)

    # "It is removed by doctors", and not "a melanoma removes".
    is_subject = count_copulas(part) >= count_copulas(unit.tokens)
    return [
        token
        for place, token in enumerate(part)
        if token != own
        or known.copulas & {*token.before}
        or (not place and not (is_subject and known.before_name >= {*token.before}))
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


def _keeps_all(told: set[int], unit: Unit) -> bool:
    """Whether nothing is left out but what may be, and the name in place of which "it" stands."""
    for group in {*unit.groups}:
        own = {
            place
            for place in range(len(unit.tokens))
            if unit.groups[place] == group and place != unit.subject
        }
        if not own <= told and (group == 0 or own & told):
            return False
    return bool(told)


def _keeps_small_words(
    part: Sequence[Token], places: Sequence[int], unit: Unit, known: Vocabulary
) -> bool:
    """No "and" is an "or", no condition is said to be there ("it is a melanoma"), no verb turns
    round ("is damaged"), and no small word is added that claims something.
    """
    own_words = {word for place in places for word in unit.tokens[place].before} | unit.trailing
    if any(known.bounded & {*token.before} - own_words for token in part):
        return False
    for at, (token, place) in enumerate(zip(part, places, strict=True)):
        before, own = {*token.before}, {*unit.tokens[place].before}
        joined = known.joins & before
        ahead = bool(at) and places[at - 1] < place
        own_joins = {unit.joins[place]} if ahead else {*unit.joins}
        if at and joined - ((own_joins - {""}) or {known.joint}):
            return False
        added_copula = bool(known.copulas & before) > bool(known.copulas & own)
        if added_copula and (token.kind is Kind.NAME or token.key in known.directed):
            return False
        if min(at, place) < 2 and not _restricts_alike(token, unit, place, known):
            return False
        if "but" in token.before[1:] and token.before[token.before.index("but") - 1] not in _MARKS:
            return False
    return True


def _restricts(token: Token, known: Vocabulary) -> bool:
    """Whether "that" stands before it, and says of which ones the rest is true."""
    pairs = pairwise(("", *token.before))
    return any(word in known.relatives and before != "," for before, word in pairs)


def _restricts_alike(token: Token, unit: Unit, place: int, known: Vocabulary) -> bool:
    """No "that" is lost, and none is added but for an "if" ("one that is left to grow")."""
    own, new = _restricts(unit.tokens[place], known), _restricts(token, known)
    return own == new or (new and any(token.key in known.conditional for token in unit.tokens))


def _keeps_order(places: Sequence[int], unit: Unit, known: Vocabulary) -> bool:
    """At most two blocks have moved. What stands before a name of several, or before a word with
    two sides ("into", "mimic"), stays before it; so do numbers, and guards of the same word.
    """
    moved = sum(later < sooner for sooner, later in pairwise(places))
    if moved > MOST_MOVED:
        return False
    tokens, several = unit.tokens, len(unit.names) > 1
    for at, place in enumerate(places if moved else ()):
        token = tokens[place]
        sided = token.kind is Kind.LINK or token.key in known.directed
        if sided and (
            any(sooner > place for sooner in places[:at])
            or any(later < place for later in places[at:])
        ):
            return False
    fixed = dict[object, list[int]]()
    for place in places:
        token = tokens[place]
        if token.kind is Kind.NUMBER or (several and token.kind is Kind.NAME):
            fixed.setdefault(token.kind, []).append(place)
        elif token.kind is Kind.GUARD and token.key not in known.floating:
            fixed.setdefault(_beside(place, unit, set(places))[1], []).append(place)
    return all(one == sorted(one) for one in fixed.values())


def _beside(place: int, unit: Unit, matched: set[int]) -> tuple[int | None, int | None]:
    """The words before and behind it in the unit that are told."""
    told = [i for i in sorted(matched) if unit.tokens[i].is_content]
    before = [i for i in told if i < place]
    return (before[-1] if before else None), next((i for i in told if i > place), None)


def _is_bound(
    part: Sequence[Token], places: Sequence[int], at: int, unit: Unit, known: Vocabulary
) -> bool:
    """Whether a guard or number stands before (some: behind) the same word as in the unit; one that
    floats, beside it.
    """
    left, right = _beside(places[at], unit, set(places))
    two = [token.key for token in unit.tokens[places[at] : places[at] + 2]]
    both = len(two) == 2 and known.conditional.issuperset(two)
    if both and two != [token.key for token in part[at : at + 2]]:
        return False
    behind, parted_behind = _next_word(part, places, at, 1, known)
    before, parted_before = _next_word(part, places, at, -1, known)
    if part[at].key in known.floating:
        own = {unit.clauses[place] for place in (left, right) if place is not None}
        beside = {unit.clauses[place] for place in (before, behind) if place is not None}
        return bool(own & beside) or len(part) == 1
    if part[at].key in known.leftward and left is not None:
        return before == left and (not parted_before or _is_parted(unit, left, places[at], known))
    if right is None:
        return before == left
    return behind == right and (not parted_behind or _is_parted(unit, places[at], right, known))


def _next_word(
    part: Sequence[Token], places: Sequence[int], at: int, step: int, known: Vocabulary
) -> tuple[int | None, bool]:
    """Where the nearest word stands in the unit, and whether a comma or an "and" is between."""
    parting, parted = _MARKS | known.joints, False
    while True:
        if step < 0:
            parted = parted or not parting.isdisjoint(part[at].before)
        at += step
        if not 0 <= at < len(part):
            return None, parted
        if step > 0:
            parted = parted or not parting.isdisjoint(part[at].before)
        if part[at].is_content:
            return places[at], parted


def _is_parted(unit: Unit, first: int, last: int, known: Vocabulary) -> bool:
    between = unit.tokens[first + 1 : last + 1]
    return any({*token.before} & (_MARKS | known.joints) for token in between)


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
    if not known.pairs_negations(text) or _ends_in_claim(text, units, known):
        return Dropped.QUALIFIER
    if strange := _find_strange(tokens, units):
        return strange
    return _split(tokens, units, known, subject) or _why(tokens, units, known, subject)


def _read_trailing(text: str, known: Vocabulary) -> Iterator[str]:
    return takewhile(known.free.__contains__, reversed(known.split(text)))


def _ends_in_claim(text: str, units: Sequence[Unit], known: Vocabulary) -> bool:
    """Whether behind the last token a small word claims what the passages do not ("here")."""
    own = {word for unit in units for word in unit.trailing}
    return bool(known.bounded & {*_read_trailing(text, known)} - own)


def _find_strange(tokens: Sequence[Token], units: Sequence[Unit]) -> Dropped | None:
    """Why no order could help: a word, name, number or guard that no passage has."""
    keys = {token for unit in units for token in unit.keys}
    keys |= {Token(Kind.NAME, unit.about) for unit in units if unit.about}
    strange = {token.kind for token in tokens if token not in keys}
    return next((reason for kind, reason in _REASONS.items() if kind in strange), None)


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
            same = bool(used) and units[used[-1]].passage == unit.passage
            if place in used or (begin and not _meets(tokens[begin], unit, known, same=same)):
                continue
            for end in range(_reach(tokens, begin, unit), begin, -1):
                part = tokens[begin:end]
                if _speaks_of_its_own(part, unit, told) and _follows(part, unit, known):
                    found = search(end, _subject_behind(part, unit), (*used, place))
                    if found:
                        return found
        return None

    return search(0, subject, ())


def _meets(first: Token, unit: Unit, known: Vocabulary, *, same: bool) -> bool:
    """Whether a part may begin here: no "which" or "or" makes one claim of two."""
    before = {*first.before}
    allowed = _MARKS | known.joining | {*unit.tokens[0].before} | (known.within if same else set())
    return bool(before & (_MARKS | known.joints)) and before <= allowed


def _reach(tokens: Sequence[Token], begin: int, unit: Unit) -> int:
    end = begin
    own = Token(Kind.NAME, unit.about or "")
    while end < len(tokens) and (tokens[end] in unit.keys or tokens[end] == own):
        end += 1
    return end


def _names_in(part: Sequence[Token]) -> list[str]:
    return [token.key for token in part if token.kind is Kind.NAME]


def _speaks_of_its_own(part: Sequence[Token], unit: Unit, told: str | None) -> bool:
    """Whether a reader takes the part to speak of its passage's condition: it names that, or the
    words before speak of it alone.
    """
    return unit.about is None or unit.about in (*_names_in(part), told)


def _subject_behind(part: Sequence[Token], unit: Unit) -> str | None:
    """What "it" is for the reader behind the part; None where that may be one of several."""
    named = {*_names_in(part), *([unit.about] if unit.about else [])}
    return named.pop() if len(named) == 1 else None


def _why(tokens: list[Token], units: list[Unit], known: Vocabulary, subject: str | None) -> Dropped:
    """The reason that tells an operator most."""
    keys = {token for unit in units for token in unit.keys}
    about = {unit.about for unit in units if unit.about}
    if any(_split(tokens, units, known, key) for key in about if key != subject):
        return Dropped.SUBJECT
    guards = {token for token in keys if token.kind in (Kind.GUARD, Kind.NUMBER)}
    return Dropped.REARRANGED if guards <= {*tokens} else Dropped.QUALIFIER


_REASONS = {
    Kind.WORD: Dropped.WORD,
    Kind.LINK: Dropped.WORD,
    Kind.NAME: Dropped.NAME,
    Kind.NUMBER: Dropped.NUMBER,
    Kind.GUARD: Dropped.QUALIFIER,
}
