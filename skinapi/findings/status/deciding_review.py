"""Which review of a finding counts. The table of cases is in docs/reviews.md."""

from collections.abc import Iterable, Sequence

from skinapi.findings.status.reviews import Histology, Opinion, Review
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band, conditions_table

Gravity = tuple[bool, int, int]


def deciding_review(reviews: Iterable[Review]) -> Review | None:
    return _put_in_force(reviews).deciding()


def find_sampled(reviews: Sequence[Review]) -> Review | None:
    """Find the newest with a sample of which no result has come since. Its doctor ends it by saying
    that none was taken; another opinion, that says nothing of it, does not.
    """
    ended = set[str]()
    for review in reversed(reviews):
        if review.opinion.histology_result:
            break
        if review.opinion.histology is Histology.NOT_TAKEN:
            ended.add(review.doctor)
        elif review.opinion.awaited and review.doctor not in ended:
            return review
    return None


def _put_in_force(reviews: Iterable[Review]) -> "ReviewsInForce":
    in_force = ReviewsInForce()
    for review in reviews:
        in_force.add(review)
    return in_force


class ReviewsInForce:
    """The reviews that no later one has withdrawn, as they are signed one after the other."""

    def __init__(self) -> None:
        self.reviews: list[Review] = []
        self._gravity: dict[int, Gravity] = {}

    def add(self, review: Review) -> None:
        self.reviews = [item for item in self.reviews if not self._replaces(review, item)]
        self.reviews.append(review)

    def deciding(self) -> Review | None:
        """The laboratory's newest result outranks opinions, and only another result replaces it; a
        graver condition whose result is awaited since then stands before it. Of opinions, one that
        is sure or whose result is awaited outranks one that is unsure; among equals the graver
        counts, then the newer. A doctor's own later opinion replaces the earlier one, unless it is
        unsure and milder, or no graver than what a laboratory is to prove.
        """
        in_force = self.reviews
        if len(in_force) == 1:
            return in_force[0]
        results = [index for index, item in enumerate(in_force) if item.opinion.histology_result]
        if not results:
            return max(reversed(in_force), key=self._rank, default=None)
        result, since = in_force[results[-1]], in_force[results[-1] + 1 :]
        reopening = [
            review
            for review in since
            if review.opinion.awaited and self._grave(review) > self._grave(result)
        ]
        return max(reversed(reopening), key=self._grave, default=result)

    def _grave(self, review: Review) -> Gravity:
        if id(review) not in self._gravity:
            self._gravity[id(review)] = _gravity(review.opinion)
        return self._gravity[id(review)]

    def _replaces(self, later: Review, earlier: Review) -> bool:
        if later.doctor != earlier.doctor or earlier.opinion.histology_result:
            return False
        if later.opinion.condition is None:  # without an urgency, it takes back none
            says = later.opinion.urgency is not None or earlier.opinion.urgency is None
            return earlier.opinion.condition is None and says
        if earlier.opinion.awaited and not (later.opinion.sure or later.opinion.histology):
            return self._grave(later) > self._grave(earlier)
        return later.opinion.sure or self._grave(later) >= self._grave(earlier)

    def _rank(self, review: Review) -> tuple[int, Gravity]:
        opinion = review.opinion
        text = opinion.condition is not None or opinion.urgency is not None
        weight = 2 if opinion.weighs_as_sure else 1
        return weight if text else 0, self._grave(review)


def _gravity(opinion: Opinion) -> Gravity:
    least = Band.SELF_MONITORING
    own = conditions_table().label(opinion.condition).urgency if opinion.condition else least
    asked = opinion.urgency or own
    return opinion.malignant, -urgency(most_urgent(own, asked)), -urgency(asked)
