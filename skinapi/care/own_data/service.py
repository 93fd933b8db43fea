"""Counts what is stored about a person, as that person may know it: page by page, so that memory
does not grow with what there is.
"""

from dataclasses import dataclass

from skinapi.care.lesion_service import LesionsService
from skinapi.care.letters.service import LettersService
from skinapi.care.message_service import MessagesService
from skinapi.domain.pages import read_pages
from skinapi.records.service import RecordsService
from skinapi.records.standing import Reader

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCounts:
    """How much is stored about a person. Of several pictures of a finding each is a photo."""

    findings: int
    photos: int
    spots: int
    letters: int
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDataService:
    records: RecordsService
    letters: LettersService
    lesions: LesionsService
    messages: MessagesService

    def count(self, *, owner: str) -> OwnCounts:
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
        return OwnCounts(
            findings=findings,
            photos=photos,
            spots=len(spots),
            letters=letters,
            messages=sum(self.messages.messages.count(spot.id) for spot in spots),
        )
