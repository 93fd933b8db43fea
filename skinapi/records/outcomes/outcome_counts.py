"""Counts by month what the model and each doctor had said before the laboratory's result.

A count names no finding and no patient, so it stays when these are deleted. That of a doctor is
deleted with the doctor's account.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from skinapi.records.findings.submissions import Submission
from skinapi.records.reviews.reviews import Review
from skinapi.storage.ports import Filter, Store
from skinapi.stored_record import StoredRecord
from skinapi.vision.bands import urgency
from skinapi.vision.conditions import Band, conditions_table

Kind = Literal["model", "doctor"]


class Outcome(StoredRecord):
    """What somebody had `said`, and whether that `sent` the patient to a doctor, where the result
    was `truth`. `subject` is the version of a model or the account of a doctor; `month` that of
    the result.
    """

    kind: Kind
    subject: str
    month: str
    truth: str
    said: str
    sent: bool

    @property
    def id(self) -> str:
        return f"{self.month}/{self.subject}/{self.truth}/{self.said}/{int(self.sent)}"

    @property
    def malignant(self) -> bool:
        return conditions_table().label(self.truth).malignant

    @property
    def named_malignant(self) -> bool:
        return conditions_table().label(self.said).malignant

    @property
    def agrees(self) -> bool:
        return self.said == self.truth


class CountedOutcome(Outcome):
    n: int


class OutcomeCounts:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("outcome_counts")
        self._documents.ensure_index("kind", "month", "id")
        self._documents.ensure_index("subject", "month", "id")

    def add(
        self, submission: Submission, reviews: Sequence[Review], *, doctors: Collection[str]
    ) -> None:
        """Count the newest of these reviews, which brings a result, in the caller's transaction, of
        the model and these doctors. What an earlier result had counted is taken back.
        """
        results = [place for place, one in enumerate(reviews) if one.opinion.histology_result]
        if len(results) > 1:
            for outcome in _outcomes(submission, reviews[: results[-2] + 1], doctors):
                counted: Filter = {"id": outcome.id, "n": {"$gt": 0}}
                self._documents.update(counted, {"$inc": {"n": -1}})
        for outcome in _outcomes(submission, reviews, doctors):
            facts: Filter = {"id": outcome.id, "schema": 1, **outcome.stored()}
            self._documents.update(facts, {"$inc": {"n": 1}}, upsert=True)

    def of_models(self, *, since: str) -> list[CountedOutcome]:
        return self._read({"kind": "model"}, since)

    def of_doctor(self, account: str, *, since: str) -> list[CountedOutcome]:
        return self._read({"subject": account}, since)

    def forget(self, account: str) -> None:
        """Delete what a doctor had said. Idempotent."""
        self._documents.delete({"subject": account})

    def _read(self, wanted: Filter, since: str) -> list[CountedOutcome]:
        found = self._documents.find({**wanted, "month": {"$gte": since}}, sort="month")
        return [CountedOutcome.model_validate(one) for one in found if one["n"]]


def _outcomes(
    submission: Submission, reviews: Sequence[Review], doctors: Collection[str]
) -> Iterator[Outcome]:
    """Of reviews of which the last one brings a result."""
    result = reviews[-1]
    truth = result.opinion.histology_result or ""
    month = f"{result.created_at:%Y-%m}"
    finding = submission.finding
    outputs = [one.key for one in finding.ranked]
    yield Outcome(
        kind="model",
        subject=finding.model_version,
        month=month,
        # A model without an output for it counts it within another condition.
        truth=conditions_table().counted_as(truth, outputs) or truth,
        said=finding.stated,
        sent=_sends(finding.band),
    )
    for doctor, review in _opinions(reviews).items():
        if doctor not in doctors:
            continue
        said = review.opinion.label or ""
        band = review.opinion.urgency or conditions_table().label(said).urgency
        yield Outcome(
            kind="doctor", subject=doctor, month=month, truth=truth, said=said, sent=_sends(band)
        )


def _opinions(reviews: Sequence[Review]) -> dict[str, Review]:
    """The last review of each doctor that names a condition, signed before any result was known."""
    first = next(place for place, one in enumerate(reviews) if one.opinion.histology_result)
    return {one.doctor: one for one in reviews[:first] if one.opinion.label}


def _sends(band: Band) -> bool:
    return urgency(band) <= urgency(Band.DOCTOR_REVIEW)
