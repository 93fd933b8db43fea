"""Reads what is stored about a person, as the console shows it to that person: page by page, so
that memory does not grow with what there is.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from skinapi.auth.service import AuthService
from skinapi.auth.sessions import Session
from skinapi.care.lesion_service import LesionsService, ShownLesion
from skinapi.care.letters.service import LettersService
from skinapi.care.message_service import MessagesService, Told
from skinapi.domain.pages import read_pages
from skinapi.domain.subject import Subject
from skinapi.errors import NotFound
from skinapi.records.review_service import ReviewsService
from skinapi.records.reviewed_finding import ShownLetter
from skinapi.records.reviews import MOST_REVIEWS, Review
from skinapi.records.service import RecordsService
from skinapi.records.submission import Submission

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCounts:
    """How much is stored about a person. Of several pictures of a finding each is a photo."""

    findings: int
    photos: int
    spots: int
    letters: int
    messages: int


class OwnFinding(NamedTuple):
    """A finding, and what doctors have signed about it, as its owner may know."""

    submission: Submission
    reviews: list[Review]
    letters: list[ShownLetter]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDataService:
    """`address` is that of this server, for links."""

    auth: AuthService
    records: RecordsService
    reviews: ReviewsService
    letters: LettersService
    lesions: LesionsService
    messages: MessagesService
    address: str

    def count(self, *, owner: str) -> OwnCounts:
        spots = self.lesions.lesions.page_owned(owner, after=None, limit=self.lesions.most).items
        findings = photos = letters = 0
        for page in read_pages(
            lambda after: self.records.submissions.page_kept(owner, after=after, limit=PAGE_SIZE)
        ):
            kept = {one.id: one for one in page.items}
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

    def walk_sessions(self, of: Subject) -> Iterator[Session]:
        for page in read_pages(
            lambda after: self.auth.list_sessions(account=of.account, after=after, limit=PAGE_SIZE)
        ):
            yield from page.items

    def walk_spots(self, of: Subject) -> Iterator[ShownLesion]:
        for page in read_pages(
            lambda after: self.lesions.list_own(owner=of.id, after=after, limit=PAGE_SIZE)
        ):
            yield from page.items

    def walk_messages(self, of: Subject) -> Iterator[tuple[str, Told]]:
        """What was written about each spot, with the spot. What is deleted meanwhile is not."""
        for spot in self.walk_spots(of):
            yield from self._walk_conversation(spot.lesion.id, of)

    def _walk_conversation(self, spot: str, of: Subject) -> Iterator[tuple[str, Told]]:
        with suppress(NotFound):
            for page in read_pages(
                lambda after: self.messages.page_messages(
                    lesion=spot, to=of, newest_first=False, after=after, limit=PAGE_SIZE
                )
            ):
                yield from ((spot, told) for told in page.items)

    def walk_findings(self, of: Subject) -> Iterator[OwnFinding]:
        """In the order of time."""
        for page in read_pages(
            lambda after: self.records.submissions.page_kept(of.id, after=after, limit=PAGE_SIZE)
        ):
            for kept in page.items:
                with suppress(NotFound):
                    yield self._read_finding(str(kept.number), of)

    def _read_finding(self, number: str, of: Subject) -> OwnFinding:
        """As each of its routes answers. Raises NotFound."""
        submission, _ = self.records.get(number=number, to=of)
        reviews = self.reviews.list_reviews(number=number, to=of, after=None, limit=MOST_REVIEWS)
        letters = [one for one, _ in self.letters.list_letters(number=number, to=of)]
        return OwnFinding(submission, reviews.items, letters)
