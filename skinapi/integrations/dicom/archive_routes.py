"""The routes by which an admin sees what was sent to the clinic's archive."""

from typing import Self

from pydantic import Field

from skinapi.base.errors import NotFound
from skinapi.base.pages import Page
from skinapi.base.settings import ArchiveTime
from skinapi.base.subject import Subject
from skinapi.integrations.dicom.archive import ArchiveService
from skinapi.integrations.webhooks.schemas import DeliveryView
from skinapi.platform.notices.deliveries import Delivery
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Answer, Message, PageQuery

ADMINS = admins("Only admin can see what was sent to the archive")
routes: Routes[ArchiveService] = Routes("archive", access=ADMINS)


class ArchiveView(Answer):
    address: str | None = Field(description="of the archive (ARCHIVE_URL); null where none is set")
    sends_after: ArchiveTime = Field(description="ARCHIVE_AFTER")

    @classmethod
    def of(cls, archive: ArchiveService) -> Self:
        return cls(address=archive.address, sends_after=archive.sends_after)


class ArchiveDeliveryView(DeliveryView):
    """A finding on its way to the archive."""

    finding: int | None = Field(description="its number")

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        number = delivery.about.get("number")
        return cls(**dict(DeliveryView.of(delivery)), finding=number)


@routes.route("GET", "/archive")
def show_archive(archive: ArchiveService) -> ArchiveView:
    """To which picture archive findings are sent, and after what."""
    return ArchiveView.of(archive)


@routes.route("GET", "/archive/deliveries")
def list_archive_deliveries(
    archive: ArchiveService, *, query: PageQuery
) -> Page[ArchiveDeliveryView]:
    """The findings that were sent to the archive in the last days, or wait for it, newest first."""
    page = archive.page_deliveries(after=query.after, limit=query.limit)
    return page.map(ArchiveDeliveryView.of)


@routes.route("POST", "/archive/deliveries/<delivery>/again", status=202, raises=(NotFound,))
def send_to_archive_again(archive: ArchiveService, *, delivery: str, subject: Subject) -> Message:
    """Send a finding again: what the archive does not have of it."""
    archive.send_again(delivery=delivery, by=subject)
    return Message(message="Being sent again")
