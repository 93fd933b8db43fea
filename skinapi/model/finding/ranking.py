"""The conditions of a finding by their probability, and what is counted from them: the malignant
score, the same for another share of cancers, and what cannot be ruled out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from pydantic import Field

from skinapi.base.stored_record import StoredRecord
from skinapi.model.conditions import NORMAL_SKIN, conditions_table


class Ranked(StoredRecord):
    key: str
    probability: float = Field(ge=0, le=1)


def probability_of(ranked: Iterable[Ranked], key: str) -> float:
    return next(entry.probability for entry in ranked if entry.key == key)


class Restated(StoredRecord):
    """The same probabilities where the share `prevalence` of the lesions is malignant (PREVALENCE).
    They are shown; the finding's own decide on everything. `alone` belongs to the finding's.
    """

    prevalence: float = Field(gt=0, lt=1)
    ranked: tuple[Ranked, ...] = Field(min_length=2)
    malignant_score: float = Field(ge=0, le=1)
    from_picture: tuple[Ranked, ...] | None = None
    alone: Ranked | None = Field(default=None, exclude_if=lambda alone: alone is None)

    @classmethod
    def of(
        cls,
        probabilities: Mapping[str, float],
        from_picture: Mapping[str, float] | None,
        prevalence: float,
    ) -> Self:
        ranked = rank(probabilities)
        return cls(
            prevalence=prevalence,
            ranked=ranked,
            malignant_score=sum_malignant(ranked),
            from_picture=rank(from_picture) if from_picture else None,
        )


class NotRuledOut(StoredRecord):
    """The lesion classes in a conformal prediction set (https://arxiv.org/abs/2107.07511).

    For each class, such sets contain the true class for the share `level` of its lesions. For the
    classes in `too_few` there were too few validation lesions to promise that.
    """

    level: Literal["0.90", "0.95"]
    keys: tuple[str, ...]
    too_few: tuple[str, ...] = ()


def rank(probabilities: Mapping[str, float]) -> tuple[Ranked, ...]:
    """Sort by probability, highest first. Equal ones are sorted by key, so that the order never
    depends on chance.
    """
    entries = sorted(probabilities.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Ranked(key=key, probability=probability) for key, probability in entries)


def as_mapping(ranked: Iterable[Ranked]) -> dict[str, float]:
    return {entry.key: entry.probability for entry in ranked}


def add_up(ranked: Iterable[Ranked], counted: Mapping[str, str]) -> tuple[Ranked, ...]:
    """Ranked anew, with the probability of each condition added to the one it is counted as."""
    sums: dict[str, float] = {}
    for entry in ranked:
        key = counted[entry.key]
        sums[key] = sums.get(key, 0.0) + entry.probability
    return rank({key: min(1.0, share) for key, share in sums.items()})


def without_normal_skin(ranked: Iterable[Ranked]) -> tuple[Ranked, ...]:
    """In the same order; the probabilities are divided by their sum."""
    lesions = [entry for entry in ranked if entry.key != NORMAL_SKIN]
    whole = math.fsum(entry.probability for entry in lesions)
    return tuple(Ranked(key=e.key, probability=e.probability / whole) for e in lesions)


def sum_malignant(ranked: Iterable[Ranked]) -> float:
    """The probability that the lesion is malignant: the sum over all malignant conditions."""
    malignant = conditions_table().malignant_keys
    total = math.fsum(entry.probability for entry in ranked if entry.key in malignant)
    return min(1.0, total)


def join_not_ruled_out(each: Sequence[Sequence[NotRuledOut]]) -> tuple[NotRuledOut, ...]:
    joined: dict[str, NotRuledOut] = {}
    for entry in (entry for sets in each for entry in sets):
        before = joined.get(entry.level)
        if before is None:
            joined[entry.level] = entry
            continue
        keys = (*before.keys, *(key for key in entry.keys if key not in before.keys))
        few = tuple(sorted({*before.too_few, *entry.too_few}))
        joined[entry.level] = NotRuledOut(level=entry.level, keys=keys, too_few=few)
    return tuple(joined.values())
