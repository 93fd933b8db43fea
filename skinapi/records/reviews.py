"""The collection of reviews: doctors' opinions on a finding, added and never overwritten."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from skinapi.records.errors import TooManyReviews
from skinapi.records.opinions import (
    Histology,
    Opinion,
    SignedOpinion,
)
from skinapi.storage.ids import now
from skinapi.storage.ports import Filter, Store
from skinapi.vision.bands import most_urgent, urgency
from skinapi.vision.conditions import (
    Band,
    conditions_table,
)

# All of them are read to find the one that counts.
MOST_REVIEWS = 100


class Review(SignedOpinion):
    """One doctor's review of a finding. `signature` is the doctor's name at that time; it stays
    after the doctor's account is deleted. Until `hold_ends_at` the owner of the finding is not
    shown it, because the doctor wants to tell it. `question` is what who asked for this second
    opinion wanted to know. `downgrade_confirmed`: asked whether the urgency shall fall so far, the
    doctor said yes. `lowered_from` and `lowered_to`: the urgency that counted before it, where
    it asks for this milder one; those of earlier versions do not say it.
    """

    id: str
    created_at: datetime
    signature: str
    note: str | None = None
    question: str | None = None
    downgrade_confirmed: bool = False
    lowered_from: Band | None = None
    lowered_to: Band | None = None
    hold_ends_at: datetime | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None

    def held_at(self, moment: datetime) -> bool:
        return self.hold_ends_at is not None and self.hold_ends_at > moment


WALKED_AT_ONCE = 500


class Reviews:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("reviews")
        self._documents.ensure_index("submission", "id")
        self._documents.ensure_index("doctor", "idempotency_key", unique=True)

    def add(self, review: Review, *, signed: Sequence[Review]) -> None:
        """Store a review of a finding that has the reviews `signed`. Raises Duplicate where the
        doctor has used its idempotency key before, and TooManyReviews.

        It sorts after those (`new_id_after`): what was signed later may withdraw what was signed
        before, also after a step of the clock, or on a machine whose clock is behind.
        """
        if len(signed) >= MOST_REVIEWS:
            raise TooManyReviews
        self._documents.insert({**review.stored(), "schema": 1})

    def find_by_key(self, doctor: str, key: str | None) -> Review | None:
        if key is None:
            return None
        found = self._documents.find({"doctor": doctor, "idempotency_key": key}, limit=1)
        return Review.model_validate(found[0]) if found else None

    def list_of(self, submission: str) -> list[Review]:
        """All reviews of a submission, in the order in which they were signed."""
        return [
            Review.model_validate(one) for one in self._documents.find({"submission": submission})
        ]

    def list_of_each(self, submissions: Sequence[str]) -> dict[str, list[SignedOpinion]]:
        """What all reviews of these submissions say, by submission, in the order in which they were
        signed.
        """
        found: dict[str, list[SignedOpinion]] = {}
        wanted = {"submission": {"$in": [*submissions]}}
        fields = tuple(SignedOpinion.model_fields)
        for document in self._documents.find(wanted, sort="submission", fields=fields):
            signed = SignedOpinion.model_validate(document)
            found.setdefault(signed.submission, []).append(signed)
        return found

    def list_signatures(self, submissions: Sequence[str]) -> list[tuple[str, datetime]]:
        """Of which of these findings there are reviews, and when each was signed."""
        wanted: Filter = {"submission": {"$in": [*submissions]}}
        found = self._documents.find(wanted, sort="submission", fields=("submission", "created_at"))
        return [(one["submission"], one["created_at"]) for one in found]

    def walk(self) -> Iterator[SignedOpinion]:
        """What all reviews say; those of one submission in the order in which they were signed."""
        after: str | None = None
        while found := self._documents.find(
            after=after, limit=WALKED_AT_ONCE, fields=tuple(SignedOpinion.model_fields)
        ):
            yield from (SignedOpinion.model_validate(document) for document in found)
            after = found[-1]["id"]

    def end_holds(self, submission: str) -> bool:
        """Show the owner what is held; False where nothing was."""
        moment = now()
        held = {"submission": submission, "hold_ends_at": {"$gt": moment}}
        return self._documents.update_all(held, {"$set": {"hold_ends_at": moment}}) > 0

    def submissions_after(self, after: str | None, limit: int) -> tuple[str | None, set[str]]:
        """The id of the last of the next reviews behind this one, and of which findings they are;
        None at the end.
        """
        found = self._documents.find(after=after, limit=limit, fields=("submission",))
        return (found[-1]["id"] if found else None), {one["submission"] for one in found}

    def reviewed_submissions(self) -> set[str]:
        return set(self._documents.count_by("submission"))

    def forget(self, submission: str) -> None:
        self._documents.delete({"submission": submission})


# Which review of a finding counts. The table of cases is in docs/reviews.md.


Signed = TypeVar("Signed", bound=SignedOpinion)


def deciding_review(reviews: Sequence[Signed]) -> Signed | None:
    """The review that counts, of all reviews of one finding in the order in which they were signed;
    None without any. Second opinions do not count: who asked for one signs what counts.

    The laboratory's newest result outranks opinions, and only another result replaces it; a graver
    condition whose result is awaited since then stands before it. Of opinions, one that is sure or
    whose result is awaited outranks one that is unsure; among equals the graver counts, then the
    newer. A doctor's own later opinion replaces the earlier one, unless it is unsure and milder.
    """
    reviews = [review for review in reviews if not review.second_opinion]
    standing = [
        review
        for place, review in enumerate(reviews)
        if not any(_replaces(later, review) for later in reviews[place + 1 :])
    ]
    results = [place for place, one in enumerate(standing) if one.opinion.histology_result]
    if not results:
        return max(reversed(standing), key=lambda review: _rank(review.opinion), default=None)
    result, since = standing[results[-1]], standing[results[-1] + 1 :]
    reopening = [
        review
        for review in since
        if _awaited(review.opinion) and _gravity(review.opinion) > _gravity(result.opinion)
    ]
    return max(reversed(reopening), key=lambda review: _gravity(review.opinion), default=result)


def _replaces(later: SignedOpinion, earlier: SignedOpinion) -> bool:
    """Whether a doctor has withdrawn the earlier review by the later one."""
    if later.doctor != earlier.doctor or earlier.opinion.histology_result:
        return False
    if later.opinion.condition is None:
        return earlier.opinion.condition is None
    return later.opinion.sure or _gravity(later.opinion) >= _gravity(earlier.opinion)


def _awaited(opinion: Opinion) -> bool:
    return opinion.histology is Histology.AWAITED


def _rank(opinion: Opinion) -> tuple[int, tuple[bool, int, int]]:
    says = opinion.condition is not None or opinion.urgency is not None
    weight = 2 if opinion.sure or _awaited(opinion) else 1
    return weight if says else 0, _gravity(opinion)


def _gravity(opinion: Opinion) -> tuple[bool, int, int]:
    """A sort key: the graver, the larger. A cancer comes first, then the urgency that the condition
    or the doctor asks for.
    """
    least = Band.SELF_MONITORING
    own = conditions_table().label(opinion.condition).urgency if opinion.condition else least
    asked = opinion.urgency or own
    return opinion.malignant, -urgency(most_urgent(own, asked)), -urgency(asked)
