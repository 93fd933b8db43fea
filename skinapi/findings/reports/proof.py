"""Decides by a program whether a sentence says what the passages say that it rests on, and no more.

A passage has wordings that people have reviewed, with marks for what may be left out, for choices
and for lists (`wordings.py`). A sentence is kept if it is one of these wordings, word by word, or
several with semicolons between them: an "and" or a "but" between two would make a new claim of
them. Nothing is passed over but capitals and commas: no other word, tense or preposition is the
same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from skinapi.base.languages import Language
from skinapi.findings.reports.vocabulary import Kind, Token, load_vocabulary
from skinapi.findings.reports.wordings import Wordings, join_keys, read_wordings
from skinapi.model.passages import Passage

MOST_WORDS = 45
# One sentence of letters, numbers and these marks: no question, quotation, heading, list, link. No
# "No, ...", and no point, comma or percent sign that would make another number.
_FORM = re.compile(
    r"(?!.*\b(?:[Nn]on?|[Nn]ot),)[A-ZÀ-ÖØ-Þ0-9](?:[A-Za-zÀ-ÖØ-öø-ÿ0-9 ;:()\u00a0]|(?<=\w)-(?=\w)"
    r"|(?<=[A-Za-zÀ-ÿ])['’]|(?<=\d)[.,](?=\d)|,(?!\d)|(?<=\d)%|(?<=\d[ \u00a0])%)*\."
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
    """Find the wording that each part of the sentence is. A fact of the finding is a sentence of
    its own.
    """
    parts = [[*part] for is_joint, part in groupby(tokens, lambda one: one.joins) if not is_joint]
    wordings = list[Wordings]()
    for part in parts:
        wording = _find_wording(part, cited, wordings[-1] if wordings else None, subject)
        if wording is None or (wording.is_of_finding and len(parts) > 1):
            return None
        subject = wording.subject_behind(part)
        wordings.append(wording)
    return Proved(tuple(dict.fromkeys(one.passage for one in wordings)), subject)


def _find_wording(
    part: Sequence[Token], cited: Sequence[Wordings], last: Wordings | None, subject: str | None
) -> Wordings | None:
    """The second half of a passage speaks of the same condition as its first."""
    keys = join_keys(part)
    return next(
        (one for one in cited if one.matches(part, one.about if one is last else subject, keys)),
        None,
    )


def _why(tokens: list[Token], cited: list[Wordings], subject: str | None) -> Dropped:
    """The reason that tells an operator most."""
    about = {wordings.about for wordings in cited if wordings.about}
    if any(_split(tokens, cited, key) for key in about if key != subject):
        return Dropped.SUBJECT
    guards = {token for wordings in cited for token in wordings.guards}
    return Dropped.REARRANGED if guards <= {*tokens} else Dropped.QUALIFIER
