"""Looks for words of every language in a sentence: those of a `Vocabulary`, by their name there."""

import re
from collections.abc import Iterator

from skinapi.care.letters.sentences import VOCABULARIES


def each(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """What these words of any language find in the text."""
    for words in VOCABULARIES:
        yield from re.finditer(getattr(words, pattern), text)


def pairs(first: str, second: str, text: str, within: int) -> Iterator[re.Match[str]]:
    """A word of the first with one of the second after it, with so many others between them."""
    for words in VOCABULARIES:
        between = rf"(?:[ '][\w'-]+){{0,{within}}}?[ ']"
        pattern = f"{getattr(words, first)}{between}{getattr(words, second)}"
        yield from re.finditer(pattern, text)


def split(text: str, pattern: str) -> list[str]:
    parts = [text]
    for words in VOCABULARIES:
        parts = [part for one in parts for part in re.split(getattr(words, pattern), one)]
    return parts


def without(text: str, pattern: str) -> str:
    for words in VOCABULARIES:
        text = re.sub(getattr(words, pattern), " ; ", text)
    return text


def before(text: str, start: int) -> str:
    """As much of it as a negation may be away."""
    return text[max(0, start - 80) : start]


def is_negated(said: re.Match[str]) -> bool:
    """Whether the words are negated, in their own part of the sentence."""
    part = re.split("[,;:]", before(said.string, said.start()))[-1]
    return any(each("negation", split(part, "apart")[-1]))


def is_time_word(said: str) -> bool:
    return any(re.fullmatch(words.time_words, said) for words in VOCABULARIES)


def is_hedged(claim: str) -> bool:
    return any(each("hedge", claim))


def claims(before: str, after: str) -> bool:
    """Whether a name between these words is said to be what it is."""
    for words in VOCABULARIES:
        if re.match(rf" {words.found}", after):
            return True
        for claim in re.finditer(words.claim, before):
            far = len(before[claim.end() :].split()) > 3
            if not (far or re.search(words.hedge, before)):
                return True
    return False
