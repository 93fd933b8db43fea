import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from skinapi.findings.reports.known_pairs import known_pairs
from skinapi.findings.reports.openrouter import OpenRouterClient, Question, Reading
from tests.support.openrouter import known_answer

T = TypeVar("T")
Pairs = Sequence[Mapping[str, Any]]
Judge = Callable[[Pairs, random.Random], list[bool]]
SLIPS = 0.01  # of the one that judges well


def is_good(pair: Mapping[str, Any]) -> bool:
    return bool(known_answer(pair["passage"], pair["sentence"]))


def _is_flip(pair: Mapping[str, Any]) -> bool:
    return (pair["sentence"], False) in _list_flips(pair["passage"])


@cache
def _list_flips(passage: str) -> list[tuple[str, bool]]:
    written = [item for known in known_pairs().values() for item in known.values()]
    return [pair for item in written for pair in item.say_of(passage)[-len(item.flip) :]]


def _is_about_as_long(pair: Mapping[str, Any]) -> bool:
    return abs(len(pair["sentence"].split()) - len(pair["passage"].split())) <= 3


def keep_every_other(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [place % 2 == 0 for place, _ in enumerate(pairs)]


def toss_a_coin(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [draw.random() < 0.5 for _ in pairs]


def drop_every_third(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [place % 3 != 2 for place, _ in enumerate(pairs)]


def keep_all(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [True for _ in pairs]


def drop_all(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [False for _ in pairs]


def see_flips_alone(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [not _is_flip(pair) for pair in pairs]


def see_flips_and_length(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [not _is_flip(pair) and _is_about_as_long(pair) for pair in pairs]


def copy_the_pattern(pairs: Pairs, draw: random.Random) -> list[bool]:
    """It knows that one of two sentences of a passage is a test. It takes the one with fewer of the
    passage's words for the test, judges that one well, and keeps the other, whatever it says.
    """

    def shared(pair: Mapping[str, Any]) -> int:
        return len({*pair["passage"].split()} & {*pair["sentence"].split()})

    def is_nearest(pair: Mapping[str, Any]) -> bool:
        others = [item for item in pairs if item["passage"] == pair["passage"]]
        return pair is max(others, key=shared)

    return [is_nearest(pair) or is_good(pair) for pair in pairs]


def judge_perfectly(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [is_good(pair) for pair in pairs]


def judge_well(pairs: Pairs, draw: random.Random) -> list[bool]:
    return [is_good(pair) is (draw.random() >= SLIPS) for pair in pairs]


BAD: Mapping[str, Judge] = {
    "alternating": keep_every_other,
    "a coin": toss_a_coin,
    "every third no": drop_every_third,
    "yes to all": keep_all,
    "no to all": drop_all,
    "flips alone": see_flips_alone,
    "flips and length": see_flips_and_length,
    "copy of the pattern": copy_the_pattern,
}


class SecondLlm(OpenRouterClient):
    def __init__(self, judge: Judge, draw: random.Random, model: str = "a/model") -> None:
        self.models, self.calls = [model], 0
        self._judge, self._draw = judge, draw

    def ask(
        self,
        question: Question,
        read: Callable[[str], T],
        *,
        deadline: float,  # noqa: ARG002
        models: Sequence[str] = (),
        account: str | None = None,  # noqa: ARG002
    ) -> Reading[T]:
        self.calls += 1
        pairs = question.sent["pairs"]
        verdicts = [
            {"pair": pair["pair"], "difference": "", "keep": keep}
            for pair, keep in zip(pairs, self._judge(pairs, self._draw), strict=True)
        ]
        return Reading(read(json.dumps({"verdicts": verdicts})), models[0], 0)
