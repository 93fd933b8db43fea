"""The findings as studies of an archive: who may see which, what each holds, and its objects.

A finding is one study. Its objects are made when they are asked for, so nothing is stored twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinapi.accounts.auth.account import Account, Subject
from skinapi.base.errors import NotFound
from skinapi.findings.records.changes import ChangedFindings
from skinapi.findings.records.seen_findings import SeenSubmission
from skinapi.findings.records.service import NOT_YOURS, RecordsService
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.dicom.stow import installed
from skinapi.integrations.dicom.study import (
    Kind,
    ObjectId,
    Study,
    finding_of,
    pictures_of,
    version_of,
)

if TYPE_CHECKING:
    from skinapi.integrations.dicom.object_maker import ObjectMaker

READ_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiesService:
    """`clinic` is its name, which the objects say."""

    records: RecordsService
    findings: ChangedFindings
    reports: ReportsService
    clinic: str | None

    def find_each(self, studies: Sequence[str], *, to: Subject) -> Iterator[SeenSubmission]:
        """The findings of the first of these studies that the caller may see."""
        for study in dict.fromkeys(studies[:READ_AT_ONCE]):
            with suppress(NotFound):
                yield self._get(study, to)[0]

    def open(self, study: str, *, to: Subject) -> Study:
        """What the caller does not see is not found."""
        finding, owner = self._get(study, to)
        withdrawn = self.records.photos.withdrawn(owner)
        report = self.reports.read_for_programs(number=str(finding.number), to=to)
        objects = (
            *pictures_of(finding),
            ObjectId(finding.id, Kind.STRUCTURED_REPORT, version_of(finding)),
            # It has no photo where that is withdrawn, so it is another object then.
            ObjectId(finding.id, Kind.REPORT, int(report.content_hash[:12], 16) ^ withdrawn),
        )
        ordered = sorted(objects, key=lambda known: (known.kind, known.number))
        letters = [shown.letter for shown in report.letters]
        changes = [finding.said_at]
        changes += [letter.signed_at for letter in letters if letter.signed_at]
        changes += [letter.withdrawn.withdrawn_at for letter in letters if letter.withdrawn]
        return Study(finding, tuple(ordered), to, max(changes), withdrawn)

    def note_read(self, study: Study) -> None:
        """Call it before objects leave: it counts a drawn report, and whoever reads a photo stands
        in the audit trail.
        """
        kinds = {known.kind for known in study.objects}
        if Kind.REPORT in kinds:
            self.reports.count_rendering(study.reader)  # whoever prints it is noted then
        elif any(kind.is_picture for kind in kinds):
            self.records.photos.note_read(submission=study.finding, by=study.reader)

    def maker(self) -> "ObjectMaker":
        """What makes the objects. Its libraries are loaded by the first request that needs them."""
        with installed():
            from skinapi.integrations.dicom.object_maker import ObjectMaker  # noqa: PLC0415
        return ObjectMaker(self.records.photos, self.reports, self.clinic)

    def _get(self, study: str, to: Subject) -> tuple[SeenSubmission, Account]:
        identifier = finding_of(study)
        stored = self.records.submissions.find(identifier) if identifier else None
        if stored is None:
            raise NotFound(NOT_YOURS)
        finding, owner = self.records.get(number=str(stored.number), to=to)
        return finding.for_programs(), owner
