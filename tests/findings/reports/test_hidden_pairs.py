"""Nothing in their form distinguishes the known pairs of a call from the judged sentences. The
judged sentences are good here and most known pairs are wrong, so a program may see the meaning.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.checker import hide_known
from skinapi.findings.reports.known_pairs import Shown, known_of
from skinapi.findings.reports.writer import Pair
from skinapi.model.passages import passages_table

CALLS, PASSAGES = 300, 9
MOST_GUESSED = 0.65  # of two sentences of a passage: by chance it is half
Tell = Callable[[Shown, Sequence[Shown]], Iterator[str]]


def of_position(pair: Shown, call: Sequence[Shown]) -> Iterator[str]:
    place = call.index(pair)
    yield f"place {place}"
    yield f"first half {place < len(call) / 2}"
    yield f"odd {place % 2}"
    yield f"first of its passage {next(item for item in call if _same(item, pair)) is pair}"


def of_length(pair: Shown, call: Sequence[Shown]) -> Iterator[str]:
    words, of_passage = len(pair.sentence.split()), len(pair.passage.split())
    yield f"{words} words"
    yield f"longer by {(words - of_passage) // 3}"
    longest = max((item for item in call if _same(item, pair)), key=lambda item: len(item.sentence))
    yield f"longest {longest is pair}"


def of_chain(pair: Shown, call: Sequence[Shown]) -> Iterator[str]:
    place = call.index(pair)
    for step in (-1, 1):
        beside = call[place + step] if 0 <= place + step < len(call) else None
        yield f"{step} {beside and beside.about == pair.about} {beside and _same(beside, pair)}"
    yield f"passage {sum(_same(item, pair) for item in call)}"
    yield f"about {pair.about}"


def of_opening(pair: Shown, call: Sequence[Shown]) -> Iterator[str]:
    yield pair.sentence.split()[0]
    yield f"marks {len(re.findall('[,;:]', pair.sentence))}"
    yield f"begins as its passage {pair.sentence.split()[0] == pair.passage.split()[0]}"


def of_words(pair: Shown, call: Sequence[Shown]) -> Iterator[str]:
    words, of_passage = (
        {*re.findall(r"\w+", text.lower())} for text in (pair.sentence, pair.passage)
    )
    yield from words
    yield f"new {len(words - of_passage)}"
    yield f"missing {len(of_passage - words)}"


def _same(one: Shown, other: Shown) -> bool:
    return one.passage == other.passage


def draw_calls(language: Language, topics: Sequence[str], draw: random.Random) -> list[list[Shown]]:
    calls = []
    for _ in range(CALLS):
        passages = [passages_table().by_id(item) for item in draw.sample(topics, PASSAGES)]
        pairs = []
        for place, passage in enumerate(passages):
            good = [text for text, keep in known_of(passage, language) if keep]
            pairs.append((place, Pair((passage,), draw.choice(good))))
        calls.append(hide_known(pairs, language, draw))
    return calls


def guess(tell: Tell, learned: list[list[Shown]], tried: list[list[Shown]]) -> float:
    """Return how often naive Bayes finds the one of two sentences of a passage that tests the
    model.
    """
    counts = {True: Counter[str](), False: Counter[str]()}
    for call in learned:
        for pair in call:
            counts[pair.keep is not None].update(tell(pair, call))

    def weight(pair: Shown, call: list[Shown]) -> float:
        return sum(
            math.log((counts[True][sign] + 1) / (counts[False][sign] + 1))
            for sign in tell(pair, call)
        )

    right = total = 0.0
    for call in tried:
        for own in (pair for pair in call if pair.keep is None):
            twin = next(item for item in call if _same(item, own) and item is not own)
            if twin.sentence == own.sentence:
                continue
            margin = weight(twin, call) - weight(own, call)
            right += 0.5 if margin == 0 else margin > 0
            total += 1
    return right / total


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tell", [of_position, of_length, of_chain, of_opening, of_words])
def test_no_form_tells_a_known_pair(tell: Tell, language: Language) -> None:
    draw = random.Random(3)
    topics = [item.id for item in passages_table().all]
    draw.shuffle(topics)
    half = len(topics) // 2
    learned, tried = (draw_calls(language, part, draw) for part in (topics[:half], topics[half:]))
    assert guess(tell, learned, tried) <= MOST_GUESSED
