"""Counts by month what the model and each doctor had said before the laboratory's result.

A count names no finding and no patient, so it stays when these are deleted. That of a doctor is
deleted with the doctor's account.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal, NamedTuple

from pydantic import model_validator

from skinapi.base.stored_record import StoredRecord
from skinapi.findings.records.reviews import Review
from skinapi.findings.records.submission import Submission
from skinapi.model.bands import OperatingPoint, is_sent
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import Modality
from skinapi.model.finding.finding import Finding
from skinapi.platform.storage.ports import Filter, Store

Kind = Literal["model", "doctor"]
# `both`: the kind was in doubt, or there were pictures of both; the graver answer was given.
Pictures = Literal["dermoscopic", "clinical", "both"]
PICTURES: tuple[Pictures, ...] = ("dermoscopic", "clinical", "both")


class _AtPoint(NamedTuple):
    operating_point: OperatingPoint
    pictures: Pictures
    urgent: bool

    @property
    def field(self) -> str:
        """Where a document counts the findings that were made so."""
        return f"at_{self.operating_point}_{self.pictures}_{'urgent' if self.urgent else 'later'}"


_AT_POINTS = {
    one.field: one
    for one in (_AtPoint(*each) for each in product(OperatingPoint, PICTURES, (True, False)))
}


class CountAtPoint(NamedTuple):
    """So many findings that were made at this operating point, of this kind of pictures."""

    operating_point: OperatingPoint
    pictures: Pictures
    malignant: bool
    sent: bool
    urgent: bool
    n: int


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
    """`n` findings. `at_points` counts those of them that were made at an operating point; findings
    of before there were any, and what doctors said, are in `n` alone.

    These counts are further fields of the same document, because servers of version 7 of the store
    know `n` alone: beside them `n` stays right, whoever counts a result or takes it back. What they
    do so is missing at the operating points.
    """

    n: int
    at_points: Mapping[str, int] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {**given, "at_points": {name: given[name] for name in _AT_POINTS if name in given}}

    def by_point(self) -> Iterator[CountAtPoint]:
        for field, n in self.at_points.items():
            at = _AT_POINTS[field]
            yield CountAtPoint(
                at.operating_point, at.pictures, self.malignant, self.sent, at.urgent, n
            )


class OutcomeCounts:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("outcome_counts")
        self._documents.ensure_index("kind", "month", "id")
        self._documents.ensure_index("subject", "month", "id")

    def add(
        self, submission: Submission, reviews: Sequence[Review], *, doctors: Collection[str]
    ) -> None:
        """Count the newest review, which brings a result, and take back what an earlier one
        counted.
        """
        self.take_back(submission, reviews[:-1], doctors=doctors)
        for outcome in _outcomes(submission, reviews, doctors):
            facts: Filter = {"id": outcome.id, "schema": 1, **outcome.stored()}
            steps = dict.fromkeys(_counters(outcome, submission.finding), 1)
            self._documents.update(facts, {"$inc": steps}, upsert=True)

    def take_back(
        self, submission: Submission, reviews: Sequence[Review], *, doctors: Collection[str]
    ) -> None:
        """Count the result of these reviews no more, if they bring any."""
        results = [place for place, one in enumerate(reviews) if one.opinion.histology_result]
        if results:
            for outcome in _outcomes(submission, reviews[: results[-1] + 1], doctors):
                self._take_back(outcome, submission.finding)

    def _take_back(self, outcome: Outcome, finding: Finding) -> None:
        """Only `n`, where a server of version 7 has counted it: that knows no operating point."""
        counters = _counters(outcome, finding)
        for taken in (counters, counters[:1]):
            counted: Filter = {"id": outcome.id, **{field: {"$gt": 0} for field in taken}}
            if self._documents.update(counted, {"$inc": dict.fromkeys(taken, -1)}):
                return

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
        sent=is_sent(finding.band),
    )
    for doctor, review in _opinions(reviews).items():
        if doctor not in doctors:
            continue
        said = review.opinion.label or ""
        band = review.opinion.urgency or conditions_table().label(said).urgency
        yield Outcome(
            kind="doctor", subject=doctor, month=month, truth=truth, said=said, sent=is_sent(band)
        )


def _counters(outcome: Outcome, finding: Finding) -> tuple[str, ...]:
    """The fields in which an outcome of this finding is counted."""
    if outcome.kind == "doctor" or finding.operating_point is None:
        return ("n",)
    urgent = finding.band is Band.URGENT_REFERRAL
    return "n", _AtPoint(finding.operating_point, _pictures_of(finding), urgent).field


def _pictures_of(finding: Finding) -> Pictures:
    used = {
        kind for one in (finding, *finding.pictures) if one.modality for kind in one.modality.used
    }
    if used == {Modality.DERMOSCOPIC}:
        return "dermoscopic"
    return "clinical" if used == {Modality.CLINICAL} else "both"


def _opinions(reviews: Sequence[Review]) -> dict[str, Review]:
    """The last review of each doctor that names a condition, signed before any result was known."""
    first = next(place for place, one in enumerate(reviews) if one.opinion.histology_result)
    return {one.doctor: one for one in reviews[:first] if one.opinion.label}
