"""The use cases of a doctor's lists: patients in care, their findings, and the queue of all.

The order of the queue is `make_queue_key` in records/findings/submissions.py.
"""

from skinapi.auth.accounts.accounts import Account, Accounts
from skinapi.errors import NotFound
from skinapi.records.findings.review_queue import in_care
from skinapi.records.findings.submissions import QueuedCase, Submissions
from skinapi.vision.conditions import Band
from skinapi.web.access import Subject
from skinapi.web.schemas.pagination import Page

NO_PATIENT = "Patient not found"
FindingAndOwner = tuple[QueuedCase, Account]


class CareService:
    """Reads the lists. Each page costs at most two queries, each answered from an index."""

    def __init__(self, *, accounts: Accounts, submissions: Submissions) -> None:
        self._accounts = accounts
        self._submissions = submissions

    def list_patients(
        self, *, doctor: Subject, beginning: str | None = None, after: str | None, limit: int
    ) -> Page[Account]:
        """Patients by their most urgent unreviewed finding; those without one come last. With a
        beginning, those whose name, last name or e-mail begins so. Raises TooManyFound.
        """
        if beginning:
            page = self._accounts.search_patients(doctor.id, beginning, after=after, limit=limit)
        else:
            page = self._accounts.page_patients(doctor.id, after=after, limit=limit)
        # `in_care` again: the query cannot leave out patients who have become doctors since.
        return Page([one for one in page.items if in_care(one, doctor)], page.next_after)

    def list_findings(
        self,
        *,
        patient: str,
        doctor: Subject,
        reviewed: bool | None,
        after: str | None,
        limit: int,
    ) -> Page[FindingAndOwner]:
        """One patient's findings. Raises NotFound unless the patient is in this doctor's care."""
        owner = self._accounts.by_ids({patient}).get(patient)
        if owner is None or not in_care(owner, doctor):
            raise NotFound(NO_PATIENT)
        page = self._submissions.page_by_urgency(
            {"owner": patient}, reviewed=reviewed, after=after, limit=limit
        )
        return page.map(lambda submission: (submission, owner))

    def list_queue(
        self,
        *,
        doctor: Subject,
        reviewed: bool | None,
        urgency: Band | None = None,
        after: str | None,
        limit: int,
    ) -> Page[FindingAndOwner]:
        """Findings of all patients in this doctor's care, all or those of one urgency.

        A page may hold fewer than `limit` although more follow: findings of patients who left the
        doctor's care a moment ago are left out.
        """
        page = self._submissions.page_by_urgency(
            {"doctor": doctor.id}, reviewed=reviewed, urgency=urgency, after=after, limit=limit
        )
        return self._in_care(page, doctor)

    def list_by_learning(
        self, *, doctor: Subject, after: str | None, limit: int
    ) -> Page[FindingAndOwner]:
        """The unreviewed ones by what a review would teach a model; urgent referrals come first."""
        page = self._submissions.page_by_learning(doctor.id, after=after, limit=limit)
        return self._in_care(page, doctor)

    def _in_care(self, page: Page[QueuedCase], doctor: Subject) -> Page[FindingAndOwner]:
        owners = self._accounts.by_ids({submission.owner for submission in page.items})
        found = [(one, owners[one.owner]) for one in page.items if one.owner in owners]
        return Page([pair for pair in found if in_care(pair[1], doctor)], page.next_after)
