"""Counts what is stored about a person, as that person may know it: page by page, so that memory
does not grow with what there is.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from skinapi.base.pages import read_pages
from skinapi.base.subject import Subject
from skinapi.base.values import Value
from skinapi.care.letters import LettersService
from skinapi.care.messages import MessagesService
from skinapi.care.spots import LesionsService
from skinapi.findings.records.service import RecordsService
from skinapi.findings.records.standing import Reader
from skinapi.platform.web.declaration import Routes, Signed

PAGE_SIZE = 100


class OwnDataSummary(Value):
    """How much is stored about the caller."""

    since: datetime = Field(description="when the account was registered")
    findings: int
    photos: int = Field(description="kept ones; of several pictures of a finding each")
    spots: int
    letters: int = Field(description="signed ones that the caller may read")
    messages: int = Field(description="of both sides, about these spots")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDataService:
    records: RecordsService
    letters: LettersService
    lesions: LesionsService
    messages: MessagesService

    def count(self, *, of: Subject) -> OwnDataSummary:
        owner = of.id
        spots = self.lesions.lesions.page_owned(owner, after=None, limit=self.lesions.most).items
        findings = photos = letters = 0
        for page in read_pages(
            lambda after: self.records.submissions.page_kept(owner, after=after, limit=PAGE_SIZE)
        ):
            kept = {one.id: one for one in self.records.spots.see(page.items, Reader.PATIENT)}
            findings += len(kept)
            photos += sum(one.photos for one in kept.values())
            signed = self.letters.letters.list_signed_of([*kept]) if kept else []
            letters += sum(kept[one.submission].shows(one.signed_at) for one in signed)
        return OwnDataSummary(
            since=of.account.created_at,
            findings=findings,
            photos=photos,
            spots=len(spots),
            letters=letters,
            messages=sum(self.messages.messages.count(spot.id) for spot in spots),
        )


routes: Routes[OwnDataService] = Routes("own data")


@routes.route("GET", "/me/data/summary", access=Signed())
def summarise_data(data: OwnDataService, *, subject: Subject) -> OwnDataSummary:
    """How many findings, photos, spots, letters and messages are stored about the caller."""
    return data.count(of=subject)
