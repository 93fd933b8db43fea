from pathlib import Path

from skinapi.base.settings.settings import Settings
from skinapi.findings.records.events import FindingsChanged
from skinapi.findings.records.finding_access import FindingAccess
from skinapi.integrations.dicom.archive import (
    ARCHIVE,
    ArchiveClient,
    ArchiveService,
    authorization_of,
)
from skinapi.integrations.dicom.receiving import IntakeService
from skinapi.integrations.dicom.routes import archive_routes, stow_routes
from skinapi.integrations.dicom.settings import ArchiveSettings
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.platform.area import Area, ConsolePart, Values
from skinapi.platform.notices.deliveries import Deliveries
from skinapi.platform.storage.unit_of_work import UnitOfWork


def _values(settings: Settings) -> Values:
    return {
        IntakeService: {
            "largest_photo": settings.max_upload_bytes,
            "folder": settings.instance_dir,
        },
        StudiesService: {"clinic": settings.clinic_name},
    }


def _open_archive_client(settings: ArchiveSettings, server: Settings) -> ArchiveClient | None:
    if not settings.archive_url:
        return None
    authorization = authorization_of(
        settings.secret("archive_token"),
        settings.archive_user,
        settings.secret("archive_password"),
    )
    return ArchiveClient(
        settings.archive_url,
        authorization=authorization,
        authorities=server.trusted_authorities,
    )


def _subscribe(
    work: UnitOfWork,
    findings: FindingAccess,
    deliveries: Deliveries,
    settings: ArchiveSettings,
) -> None:
    if settings.archive_url is None:
        return

    def send(event: FindingsChanged) -> None:
        for finding in findings.records.see(event.findings):
            # The archive also gets updates when a review was taken back or is about other photos.
            if finding.reviews:
                about = {"type": "study", "finding": finding.id, "number": finding.number}
                deliveries.add(ARCHIVE, to=ARCHIVE, about=about, owner=finding.owner)

    work.inside(FindingsChanged, send)


def _has_archive(settings: ArchiveSettings) -> bool:
    return settings.archive_url is not None


AREA = Area(
    name="dicom",
    blueprint="dicom",
    summary="DICOMweb from and to picture archives",
    page="docs/integrate/pacs.md",
    scopes=("dicom",),
    reads=_has_archive,
    routes=((stow_routes, IntakeService), (archive_routes, ArchiveService)),
    values=_values,
    factories=(_open_archive_client,),
    channels={ARCHIVE: ArchiveService},
    subscribe=_subscribe,
    console=ConsolePart(
        folder=Path(__file__).parent,
        sections={"integrations": {"archive": "archive.js"}},
    ),
)
