"""Keeps the count of findings, the newest finding and the next reminder that stand with each spot,
in the transactions that file, move, review and delete findings.

They are counted again each time, from an index, so that a server of the version before, which
deletes a finding and knows no spots, leaves no wrong count for long.
"""

from skinapi.care.lesions.lesions import Lesion, Lesions
from skinapi.care.lesions.reminders import look_at
from skinapi.errors import NotFound
from skinapi.records.errors import LesionFull
from skinapi.records.findings.lesion_findings import LesionFindings
from skinapi.records.findings.submissions import Submission

NO_LESION = "There is no such spot"


class LesionCounts:
    def __init__(self, lesions: Lesions, findings: LesionFindings, *, most: int) -> None:
        """`most` is how many findings a spot may have."""
        self._lesions, self._findings, self._most = lesions, findings, most

    def get_own(self, lesion: str, owner: str) -> Lesion:
        """A spot of this owner. Raises NotFound, also for those of others."""
        found = self._lesions.find(lesion)
        if found is None or found.owner != owner:
            raise NotFound(NO_LESION)
        return found

    def enter(self, submission: Submission) -> None:
        """After a finding of a spot was stored. Raises NotFound, LesionFull."""
        if submission.lesion:
            self.get_own(submission.lesion, submission.owner)
            self.refuse_excess(self.recount(submission.lesion))

    def update(self, submission: Submission) -> None:
        """After a finding was deleted or reviewed."""
        if submission.lesion:
            self.recount(submission.lesion)

    def recount(self, lesion: str) -> Lesion | None:
        """The spot as it is then; None where it is deleted."""
        newest = self._findings.newest(lesion)
        counted = {
            "findings": self._findings.count(lesion),
            "latest": newest.id if newest else None,
            "remind_at": look_at(newest) if newest else None,
        }
        return self._lesions.change(lesion, counted)

    def refuse_excess(self, lesion: Lesion | None, *, more: int = 0) -> None:
        """Raises LesionFull where the spot has more findings than it may, with `more` of them."""
        if lesion and lesion.findings + more > self._most:
            raise LesionFull(self._most)

    def is_right(self, lesion: Lesion) -> bool:
        newest = self._findings.newest(lesion.id)
        counted = (self._findings.count(lesion.id), newest.id if newest else None)
        return (lesion.findings, lesion.latest) == counted
