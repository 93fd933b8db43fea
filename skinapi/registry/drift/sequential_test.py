"""A test for a change of a share or of a mix that may be looked at after every event, for years.

The test is an e-process: a number that begins at 1 and that, as long as nothing has changed, ever
reaches 1 / alpha with a probability of at most alpha, whenever and however often it is looked at
(Ville's inequality). So an alarm at 1 / alpha has that false-alarm rate over the whole life of a
model, and not for each look.

The number is a ratio. Below stands the largest probability that any constant mix gives to all that
was counted. So the mix need not be known, and estimating it costs no guarantee. Above stands a
mixture of the alternatives "the mix changed at the beginning of week j", each by the probability
that a Dirichlet(1/2, …) prior gives to the counts before the change and to those after it. This is
universal inference (Wasserman, Ramdas, Balakrishnan, https://arxiv.org/abs/1912.11436) with the
estimator of Krichevsky and Trofimov. Both depend only on sums of counts, so weekly counts are
enough.

The guarantee is for events that are independent of each other. Many photos of one patient in a row
are not, and can raise a false alarm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import add, sub

# The probability of any false alarm of a test in the whole life of a model version, at most. The
# test is careful: simulated, it is well below (docs/training.md).
ALPHA = 0.05
# How often each outcome was counted. Of a share: hits, and the others.
Counts = tuple[int, ...]
# The mixture has an alternative for each of so many weeks. A change after them is found later, by
# what it does to the alternatives there are.
MOST_WEEKS = 156
LOG_WEEKS = math.log(MOST_WEEKS)
JEFFREYS = 0.5
# Twelve tests of three years.
KEPT_RESULTS = 2000


@dataclass(frozen=True, slots=True)
class Evidence:
    """The logarithm of the e-process, and which week the change most likely began with: its place
    in the weeks that were tested; None where no week is more likely than "no change".
    """

    log_e: float = 0.0
    since: int | None = None


@lru_cache(KEPT_RESULTS)
def evidence_of_change(reference: Counts, weeks: tuple[Counts, ...]) -> Evidence:
    """How strongly these weeks say that the mix changed at the beginning of one of them.

    `reference` are the counts before the first of them. The result is kept, because who looks for
    the first alarm asks for each week again, and past weeks do not change.
    """
    before, after = reference, tuple(map(sum, zip(reference, *weeks, strict=True)))
    unchanged = _log_largest_likelihood(after)
    alternatives = weeks[:MOST_WEEKS]
    # "No change until now" has the share of the weeks that are still to come.
    still = 1 - len(alternatives) / MOST_WEEKS
    logs = [_log_mixture(after) + math.log(still) if still else -math.inf]
    after = tuple(map(sub, after, reference))
    for week in alternatives:
        logs.append(_log_mixture(before) + _log_mixture(after) - LOG_WEEKS)
        before = tuple(map(add, before, week))
        after = tuple(map(sub, after, week))
    largest = max(range(len(logs)), key=logs.__getitem__)
    return Evidence(_log_sum(logs) - unchanged, largest - 1 if largest else None)


def mean_evidence(parts: Sequence[Evidence]) -> float:
    """The logarithm of the mean of several e-processes over the same events: it is one too."""
    return _log_sum([part.log_e for part in parts]) - math.log(len(parts))


def first_alarm(log_evidence: Sequence[float], alpha: float) -> int | None:
    """The place of the first that reaches 1 / alpha."""
    reached = (place for place, log_e in enumerate(log_evidence) if log_e >= -math.log(alpha))
    return next(reached, None)


def _log_mixture(counts: Counts) -> float:
    """The log probability that the prior gives to one sequence with these counts."""
    log_p, total = _log_prior(len(counts)), JEFFREYS * len(counts)
    for count in counts:
        log_p += math.lgamma(count + JEFFREYS)
        total += count
    return log_p - math.lgamma(total)


@cache
def _log_prior(outcomes: int) -> float:
    return math.lgamma(JEFFREYS * outcomes) - outcomes * math.lgamma(JEFFREYS)


def _log_largest_likelihood(counts: Counts) -> float:
    total = sum(counts)
    return math.fsum(count * math.log(count / total) for count in counts if count)


def _log_sum(logs: Sequence[float]) -> float:
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(one - largest) for one in logs))
