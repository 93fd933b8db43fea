"""Which review of a finding counts. The table of cases is in docs/reviews.md."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from skinapi.findings.errors import TooManyReviews
from skinapi.findings.status.reviews import MOST_REVIEWS, Opinion, Review
from skinapi.model.bands import most_urgent, urgency
from skinapi.model.conditions import Band, conditions_table
from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Filter
from skinapi.platform.storage.records import Repository
from skinapi.platform.storage.unreadable import hide, is_hidden

Gravity = tuple[bool, int, int]


def deciding_review(reviews: Iterable[Review]) -> Review | None:
    in_force = ReviewsInForce()
    for review in reviews:
        if not review.second_opinion:
            in_force.add(review)
    return in_force.deciding()


class ReviewsInForce:
    """The reviews that no later one has withdrawn, as they are signed one after the other."""

    def __init__(self) -> None:
        self._in_force: list[Review] = []
        self._gravity: dict[int, Gravity] = {}

    def add(self, review: Review) -> None:
        self._in_force = [item for item in self._in_force if not self._replaces(review, item)]
        self._in_force.append(review)

    def deciding(self) -> Review | None:
        """The laboratory's newest result outranks opinions, and only another result replaces it; a
        graver condition whose result is awaited since then stands before it. Of opinions, one that
        is sure or whose result is awaited outranks one that is unsure; among equals the graver
        counts, then the newer. A doctor's own later opinion replaces the earlier one, unless it is
        unsure and milder.
        """
        in_force = self._in_force
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
        if later.opinion.condition is None:
            return earlier.opinion.condition is None
        return later.opinion.sure or self._grave(later) >= self._grave(earlier)

    def _rank(self, review: Review) -> tuple[int, Gravity]:
        opinion = review.opinion
        text = opinion.condition is not None or opinion.urgency is not None
        weight = 2 if opinion.sure or opinion.awaited else 1
        return weight if text else 0, self._grave(review)


def _gravity(opinion: Opinion) -> Gravity:
    least = Band.SELF_MONITORING
    own = conditions_table().label(opinion.condition).urgency if opinion.condition else least
    asked = opinion.urgency or own
    return opinion.malignant, -urgency(most_urgent(own, asked)), -urgency(asked)


class Reviews(Repository[Review]):
    collection, record = "reviews", Review
    indexes = (("submission", "id"),)
    unique = (("doctor", "idempotency_key"),)

    def add(self, review: Review, *, signed: Sequence[Review]) -> None:
        """Store a review of a finding that has the reviews `signed`. It sorts after those
        (`new_id_after`), also on a machine whose clock is behind: the later one may withdraw the
        earlier.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        self.insert(review)

    def find_by_key(self, doctor: str, key: str | None) -> Review | None:
        return self._by_key(key, doctor=doctor)

    def list_of(self, submission: str) -> list[Review]:
        return self._list({"submission": submission})

    def list_of_each(self, submissions: Sequence[str]) -> dict[str, list[Review]]:
        """Reviews are keyed by finding, in the order of signing. A request that only reads hides
        each finding of which a review cannot be read: without it, the finding might seem milder.
        """
        by_finding: dict[str, list[Review]] = {}
        if submissions:
            wanted: Filter = {"submission": {"$in": [*submissions]}}
            found = self._documents.find(wanted, sort="submission")
            for review in self._read_each(found):
                by_finding.setdefault(review.submission, []).append(review)
            for document in found:
                if is_hidden(self.collection, document["id"]):
                    hide("submissions", document["submission"])
        return by_finding

    def list_signatures(self, submissions: Sequence[str]) -> list[tuple[str, datetime]]:
        """List the finding of each review of these findings, and when it was signed."""
        wanted: Filter = {"submission": {"$in": [*submissions]}}
        found = self._documents.find(wanted, sort="submission", fields=("submission", "created_at"))
        return [(item["submission"], item["created_at"]) for item in found]

    def end_holds(self, submission: str) -> bool:
        """False where nothing was held."""
        moment = now()
        held = {"submission": submission, "hold_ends_at": {"$gt": moment}}
        return self._documents.update_all(held, {"$set": {"hold_ends_at": moment}}) > 0

    def reviewed_submissions(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, submission: str) -> None:
        self._documents.delete({"submission": submission})
