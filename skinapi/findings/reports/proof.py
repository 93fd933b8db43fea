"""Decides by a program whether a sentence says what the passages say that it rests on, and no more.

A passage has wordings that people have reviewed, with marks for what may be left out, for choices
and for lists (`wordings.py`). A sentence is kept if it is one of these wordings, or several that
are joined by "and", "but" or a semicolon, word by word and in that order. Nothing is passed over
but capitals and commas: no other word, tense or preposition is the same.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from skinapi.base.languages import Language
from skinapi.findings.reports.vocabulary import CONTRASTS, Kind, Token, load_vocabulary
from skinapi.findings.reports.wordings import Wordings, join_keys, read_wordings
from skinapi.model.passages import Passage

MOST_WORDS = 45
WARNS = frozenset({"late", "same", "in_case"})
# One sentence of letters, numbers and these marks: no question, quotation, heading, list, link.
_FORM = re.compile(
    r"[A-ZÀ-ÖØ-Þ0-9](?:[A-Za-zÀ-ÖØ-öø-ÿ0-9 ,;:()%\u00a0]|(?<=\w)-(?=\w)"
    r"|(?<=[A-Za-zÀ-ÿ])['’]|\.(?=\d))*\."
)


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


_REASONS = {
    Kind.WORD: Dropped.WORD,
    Kind.NAME: Dropped.NAME,
    Kind.NUMBER: Dropped.NUMBER,
    Kind.GUARD: Dropped.QUALIFIER,
}


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
    tokens = load_vocabulary(language).read_tokens(text)
    wordings = [read_wordings(passage, language) for passage in cited]
    if not wordings or not tokens:
        return Dropped.PASSAGE
    if strange := _find_strange(tokens, wordings):
        return strange
    return _split(tokens, wordings, subject) or _why(tokens, wordings, subject)


def _find_strange(tokens: Sequence[Token], cited: Sequence[Wordings]) -> Dropped | None:
    """Why no order could help: a word, name, number or guard that no passage has."""
    keys = {token for wordings in cited for token in wordings.keys}
    strange = {token.kind for token in tokens if token not in keys and not token.joins}
    return next((reason for kind, reason in _REASONS.items() if kind in strange), None)


def _split(tokens: list[Token], cited: list[Wordings], subject: str | None) -> Proved | None:
    """Find parts of the sentence of which each is a wording of a passage."""
    text = join_keys(tokens)
    starts = [0, *accumulate(len(join_keys([token])) for token in tokens)]
    failed = set[tuple[int, str | None, str | None]]()

    def search(
        begin: int, told: str | None, used: tuple[str, ...], weakened: Wordings | None = None
    ) -> Proved | None:
        state = (begin, told, weakened.passage if weakened else None)
        if state in failed:
            return None
        failed.add(state)
        for end in _find_ends(tokens, begin):
            part = tokens[begin:end]
            for wordings in cited:
                keys = text[starts[begin] : starts[end]]
                if not wordings.matches(part, told, keys, joined=begin > 0):
                    continue
                if weakened and not _may_weaken(weakened, wordings):
                    continue
                behind, ids = wordings.subject_behind(part), (*used, wordings.passage)
                if end == len(tokens):
                    return Proved(tuple(dict.fromkeys(ids)), behind)
                after = _skip_joints(tokens, end)
                but = any(token.key in CONTRASTS for token in tokens[end:after])
                if found := search(after, behind, ids, wordings if but else None):
                    return found
        return None

    return search(0, subject, ())


def _may_weaken(before: Wordings, after: Wordings) -> bool:
    """Whether a "but" may stand between them: none makes less of a warning."""
    topic = before.passage.partition(".")[2]
    return not (after.comforts or topic in WARNS or topic.startswith("open"))


def _find_ends(tokens: Sequence[Token], begin: int) -> Iterator[int]:
    """The end of the sentence, and where another passage may begin."""
    yield len(tokens)
    yield from (at for at in range(len(tokens) - 1, begin, -1) if tokens[at].joins)


def _skip_joints(tokens: Sequence[Token], at: int) -> int:
    """ "; but" are two of them."""
    return next((i for i in range(at, min(at + 2, len(tokens))) if not tokens[i].joins), at + 2)


def _why(tokens: list[Token], cited: list[Wordings], subject: str | None) -> Dropped:
    """The reason that tells an operator most."""
    about = {wordings.about for wordings in cited if wordings.about}
    if any(_split(tokens, cited, key) for key in about if key != subject):
        return Dropped.SUBJECT
    guards = {token for wordings in cited for token in wordings.guards}
    return Dropped.REARRANGED if guards <= {*tokens} else Dropped.QUALIFIER
