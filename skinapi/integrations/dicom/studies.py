from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import NotFound
from skinapi.findings.errors import NOT_YOURS
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.findings.reports.service import ReportsService
from skinapi.integrations.dicom.stow import installed
from skinapi.integrations.dicom.study import (
    Kind,
    ObjectId,
    Study,
    pictures_of,
)

if TYPE_CHECKING:
    from skinapi.integrations.dicom.object_maker import ObjectMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiesService:
    findings: FindingAccess
    reports: ReportsService
    clinic: str | None

    def open(self, identifier: str, *, to: Subject) -> Study:
        stored = self.findings.records.find(identifier)
        if stored is None:
            raise NotFound(NOT_YOURS)
        finding, owner = self.findings.get(number=str(stored.number), to=to)
        withdrawn = self.findings.photos.withdrawn(owner)
        objects = (
            *sorted(pictures_of(finding), key=lambda known: (known.kind, known.number)),
            *(ObjectId.of_report(finding, kind) for kind in (Kind.STRUCTURED_REPORT, Kind.REPORT)),
        )
        return Study(finding, objects, to, withdrawn)

    def maker(self) -> "ObjectMaker":
        with installed():
            from skinapi.integrations.dicom.object_maker import ObjectMaker  # noqa: PLC0415
        return ObjectMaker(self.findings.photos, self.reports, self.clinic)
