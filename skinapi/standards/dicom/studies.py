"""The findings as studies of an archive: who may see which, what each holds, and its objects.

A finding is one study. Its objects are made when they are asked for, so nothing is stored twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinapi.auth.accounts import Account
from skinapi.domain.field_types import ID
from skinapi.domain.subject import Subject
from skinapi.errors import NotFound
from skinapi.records.photos import Shapes
from skinapi.records.review_queue import in_care
from skinapi.records.service import NOT_YOURS, RecordsService
from skinapi.records.standing import Reader
from skinapi.records.submission import Submission
from skinapi.records.submissions import Submissions
from skinapi.reports.service import ReportsService
from skinapi.standards.dicom.errors import installed
from skinapi.standards.dicom.study import Study, pictures_of, version_of
from skinapi.standards.dicom.uids import Kind, ObjectId, finding_of

if TYPE_CHECKING:
    from skinapi.standards.dicom.object_maker import ObjectMaker

READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiesService:
    """`clinic` is its name, which the objects say."""

    records: RecordsService
    submissions: Submissions
    reports: ReportsService
    shapes: Shapes
    clinic: str | None

    def walk(
        self, *, to: Subject, patient: str | None, first: str, end: str
    ) -> Iterator[Submission]:
        """The findings that the caller may see, oldest first, of the ids from `first` to before
        `end`; of one patient, if that is asked.
        """
        of = whose(to, patient)
        while of is not None:
            found = self.submissions.list_filed(of, first=first, end=end, limit=READ_AT_ONCE)
            owners = self.records.accounts.by_ids({one.owner for one in found})
            seen = [one for one in owners.values() if in_care(one, to)]
            self.records.note_read([one.id for one in seen], by=to)
            # The filter lets pass what is a doctor's own, or of an account being deleted.
            may = {one.id for one in seen} | {to.id}
            yield from self.records.spots.see(
                [one for one in found if one.owner in may], Reader.PROGRAM
            )
            if len(found) < READ_AT_ONCE:
                return
            first = f"{int(found[-1].id, 16) + 1:032x}"

    def find_each(self, studies: Sequence[str], *, to: Subject) -> Iterator[Submission]:
        """The findings of the first of these studies that the caller may see."""
        for study in dict.fromkeys(studies[:READ_AT_ONCE]):
            with suppress(NotFound):
                yield self._get(study, to)[0]

    def open(self, study: str, *, to: Subject) -> Study:
        """Raises NotFound, also where the caller may not see it."""
        finding, owner = self._get(study, to)
        withdrawn = self.records.photos.withdrawn(owner)
        report = self.reports.read_for_programs(number=str(finding.number), to=to)
        objects = (
            *pictures_of(finding),
            ObjectId(finding.id, Kind.STRUCTURED_REPORT, version_of(finding)),
            # It has no photo where that is withdrawn, so it is another object then.
            ObjectId(finding.id, Kind.REPORT, int(report.content_hash[:12], 16) ^ withdrawn),
        )
        ordered = sorted(objects, key=lambda one: (one.kind, one.number))
        letters = [shown.letter for shown in report.letters]
        changes = [finding.said_at]
        changes += [one.signed_at for one in letters if one.signed_at]
        changes += [one.withdrawn.withdrawn_at for one in letters if one.withdrawn]
        return Study(finding, tuple(ordered), to, max(changes), withdrawn)

    def note_read(self, study: Study) -> None:
        """Call it before objects leave: it counts a drawn report, and whoever reads a photo stands
        in the audit trail. Raises TooManyRequests.
        """
        if any(one.kind is Kind.REPORT for one in study.objects):
            self.reports.count_rendering(study.reader)  # whoever prints it is noted then
        elif any(one.kind.is_picture for one in study.objects):
            self.records.photos.note_read(submission=study.finding, by=study.reader)

    def maker(self) -> "ObjectMaker":
        """What makes the objects. Its libraries are loaded by the first request that needs them.
        Raises DicomNotInstalled.
        """
        with installed():
            from skinapi.standards.dicom.object_maker import ObjectMaker  # noqa: PLC0415
        return ObjectMaker(self.records.photos, self.shapes, self.reports, self.clinic)

    def _get(self, study: str, to: Subject) -> tuple[Submission, Account]:
        identifier = finding_of(study)
        found = self.records.find(identifier) if identifier else None
        if found is None:
            raise NotFound(NOT_YOURS)
        finding, owner = self.records.get(number=str(found.number), to=to)
        return finding.for_programs(), owner


def whose(to: Subject, patient: str | None) -> dict[str, str] | None:
    """The filter of the findings that the caller may see; None where there are none. A `patient` is
    named by the id of the account, or by the number that an archive sent.
    """
    of = {}
    if patient:
        of = {"owner" if ID.fullmatch(patient) else "source_patient": patient}
    if to.key and to.key.clinic_wide:
        return of
    if to.role == "doctor":
        return {**of, "doctor": to.id}
    own = {"owner": to.id}
    return {**of, **own} if of.get("owner", to.id) == to.id else None
