"""The test for a change: how often it is wrong, and how soon it finds one."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from skinapi.model.registry.drift_counts import ALPHA, Counts, evidence_of_change, first_alarm
from tests.support.size import size

ALARM = -math.log(ALPHA)
SEQUENCES = 200


def drawn(rng: np.random.Generator, shares: Sequence[float], events: int) -> Counts:
    return tuple(int(count) for count in rng.multinomial(events, shares))


def alarm_of(
    seed: int,
    before: Sequence[float],
    after: Sequence[float],
    *,
    reference: int,
    weekly: int,
    changes: int,
    weeks: int,
    looks: int = 1,
) -> int | None:
    """How many events after week `changes` the test raises an alarm, looking so often in each week;
    negative before it, None where it raises none.
    """
    rng = np.random.default_rng(seed)
    first = drawn(rng, before, reference)
    done: list[Counts] = []
    for week in range(weeks):
        now: Counts = (0,) * len(before)
        for look in range(1, looks + 1):
            more = drawn(rng, before if week < changes else after, weekly // looks)
            now = tuple(map(sum, zip(now, more, strict=True)))
            if evidence_of_change(first, (*done, now)).log_e >= ALARM:
                return (week - changes) * weekly + look * weekly // looks
        done.append(now)
    return None


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_without_a_change_few_of_200_sequences_ever_raise_an_alarm(share: float) -> None:
    shares = (share, 1 - share)
    alarms = [
        alarm_of(
            seed, shares, shares, reference=100, weekly=20, changes=0, weeks=size(12, 156), looks=4
        )
        for seed in range(SEQUENCES)
    ]
    assert sum(alarm is not None for alarm in alarms) <= ALPHA * SEQUENCES


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_whatever_the_share_is_the_evidence_is_at_most_one_on_average(share: float) -> None:
    sizes = (6, 4, 4, 4)
    for weeks in (1, 2, 3):
        expected = 0.0
        for hits in product(*(range(events + 1) for events in sizes[: weeks + 1])):
            counts = [(hit, events - hit) for hit, events in zip(hits, sizes, strict=False)]
            chance = math.prod(
                math.comb(hit + rest, hit) * share**hit * (1 - share) ** rest
                for hit, rest in counts
            )
            expected += chance * math.exp(evidence_of_change(counts[0], tuple(counts[1:])).log_e)
        assert expected <= 1 + 1e-9


@pytest.mark.parametrize(
    ("before", "after", "reference", "weekly", "within"),
    [
        (0.10, 0.30, 200, 20, 500),  # disagreement: from one review in ten to three
        (0.10, 0.20, 500, 100, 2000),  # doubts twice as often
        (0.02, 0.10, 500, 100, 800),  # refused photos
    ],
)
def test_a_change_is_found_within_a_stated_number_of_events(
    before: float, after: float, reference: int, weekly: int, within: int
) -> None:
    found = [
        alarm_of(
            seed,
            (before, 1 - before),
            (after, 1 - after),
            reference=reference,
            weekly=weekly,
            changes=10,
            weeks=10 + within // weekly,
        )
        for seed in range(40)
    ]
    assert sum(events is not None and events > 0 for events in found) >= 38


def test_the_week_of_the_change_is_named() -> None:
    weeks = ((10, 90), (11, 89), (9, 91), (40, 60), (38, 62))
    evidence = evidence_of_change((50, 450), weeks)
    assert evidence.since == 3
    assert evidence.log_e > ALARM


def test_nothing_counted_is_no_evidence() -> None:
    nothing = evidence_of_change((0, 0), ((0, 0),))
    assert nothing.log_e == pytest.approx(0)
    assert nothing.since is None
    assert first_alarm([0.0, ALARM - 0.01], ALPHA) is None
    assert first_alarm([0.0, ALARM, 0.0], ALPHA) == 1
