"""What happened, as a message of a webhook tells it: a type and ids, never what was found."""

from collections.abc import Mapping
from typing import Any, Protocol

from skinapi.integrations.webhooks.endpoints import KIND, Endpoints, EventType
from skinapi.platform.jobs.job import PERSON_FILE, Job
from skinapi.platform.notices.deliveries import Deliveries


class Finding(Protocol):
    """See `Submission`. The job worker imports this module too, and nothing of findings."""

    @property
    def number(self) -> int: ...
    @property
    def owner(self) -> str: ...
    @property
    def lesion(self) -> str | None: ...


class WebhookEvents:
    """Each method is called in the transaction of what happened."""

    def __init__(self, endpoints: Endpoints, deliveries: Deliveries) -> None:
        self._endpoints, self._deliveries = endpoints, deliveries

    def on_filed(self, event: Any) -> None:
        """FindingFiled"""
        self._tell_of_finding(EventType.FINDING_STORED, event.finding)

    def on_review(self, event: Any) -> None:
        """ReviewSigned"""
        finding, review = event.finding, event.review
        said = {"review": review.id, "second_opinion": review.second_opinion}
        self._tell_of_finding(EventType.REVIEW_SIGNED, finding, **said)
        if review.opinion.new_picture_wanted and not review.second_opinion:
            self._tell_of_finding(EventType.REQUEST_MADE, finding, request="new_picture")

    def on_letter(self, event: Any) -> None:
        """LetterIssued"""
        self._tell_of_finding(EventType.LETTER_SIGNED, event.finding, letter=event.letter.id)

    def on_letter_taken_back(self, event: Any) -> None:
        """LetterTakenBack"""
        self._tell_of_finding(EventType.LETTER_WITHDRAWN, event.finding, letter=event.letter.id)

    def on_opinion_wanted(self, event: Any) -> None:
        """OpinionWanted"""
        self._tell_of_finding(EventType.REQUEST_MADE, event.finding, request="second_opinion")

    def on_deleted(self, event: Any) -> None:
        """FindingDeleted. Where its account is erased, that is told, and not each of its findings:
        what waits of an account is deleted with it.
        """
        self._tell_of_finding(EventType.FINDING_DELETED, event.finding)

    def on_voided(self, event: Any) -> None:
        """FindingVoided: to a receiver it is as gone as one that is deleted."""
        self._tell_of_finding(EventType.FINDING_DELETED, event.finding, entered_in_error=True)

    def on_account_gone(self, event: Any) -> None:
        """AccountGone. The receiver has to know whose data to delete, so it outlives the account:
        the id leads to nobody here any more, or to the medical record that stays until then.
        """
        until = event.record_kept_until
        ids = {"patient": event.account, "record_kept_until": until and until.isoformat()}
        self._tell(EventType.ACCOUNT_ERASED, ids, owner=None)

    def on_model(self, move: Any) -> None:
        """PointerChange"""
        ids = {"model": move.entered, "former": move.left, "action": move.action}
        self._tell(EventType.MODEL_PROMOTED, ids, owner=None)

    def on_job_ended(self, job: Job) -> None:
        if job.kind == PERSON_FILE:  # nobody else's business
            return
        ids = {"job": job.id, "kind": job.kind, "status": job.status}
        self._tell(EventType.JOB_ENDED, ids, owner=job.owner)

    def _tell_of_finding(self, event: EventType, finding: Finding, **more: object) -> None:
        ids = {"finding": finding.number, "patient": finding.owner, "spot": finding.lesion, **more}
        self._tell(event, ids, owner=finding.owner)

    def _tell(self, event: EventType, ids: Mapping[str, object], *, owner: str | None) -> None:
        """Add a delivery for each endpoint that wants such events. `owner` is the account whose
        data the ids name.
        """
        for endpoint in self._endpoints.subscribed(event):
            known = {name: value for name, value in ids.items() if value is not None}
            about = {"type": event.value, "ids": known}
            self._deliveries.add(KIND, to=endpoint.id, about=about, owner=owner)
