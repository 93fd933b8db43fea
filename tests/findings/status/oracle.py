"""A second, naive implementation of the rules of care, to compare `spot` and `waiting` with. It was
written from the rules alone. It stores only a log of all acts, and reads the log again for each
question.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from skinapi.findings.status.spot import Certainty, LevelSource, Sample, SpotReview
from skinapi.findings.status.waiting import WaitingKind
from skinapi.model.conditions import Band

RANK = {band: place for place, band in enumerate(Band)}
THIS_WEEK, TWO_WEEKS, DOCTOR_REVIEW, ROUTINE, WATCH = Band
URGENT = THIS_WEEK, TWO_WEEKS
CANCERS = "melanoma", "basal_cell_carcinoma"
LABEL_ASKS = {
    "melanoma": THIS_WEEK,
    "basal_cell_carcinoma": TWO_WEEKS,
    "inflammatory": DOCTOR_REVIEW,
}
# The acts that change a spot, as the rules list them.
CHANGES = (
    *("added", "moved", "given", "deleted", "corrected", "judged", "in_error"),
    *("compared", "disputed", "signed", "voided", "answered", "placed"),
)


class Done(NamedTuple):
    """One act. `other` is the earlier photo of a comparison, or the spot that receives a photo."""

    at: datetime
    what: str
    spot: str
    photo: str = ""
    urgency: Band = WATCH
    other: str = ""
    review: SpotReview | None = None


@dataclass
class Photo:
    spot: str
    number: int
    newest: Band
    urgency: Band
    source: LevelSource = LevelSource.MODEL
    by: SpotReview | None = None
    day: date | None = None
    queued_at: datetime | None = None
    reviews: list[SpotReview] = field(default_factory=list)
    changed: bool = False
    disputed: bool = False
    stub: bool = False

    def set(
        self, urgency: Band, source: LevelSource, at: datetime, by: SpotReview | None = None
    ) -> None:
        days = [self.day] if self.day else []
        days.append(at.date() + timedelta(7 if urgency is THIS_WEEK else 14))
        self.urgency, self.source, self.by = urgency, source, by
        self.day = min(days) if urgency in URGENT else None

    def raise_to(
        self, urgency: Band, source: LevelSource, at: datetime, by: SpotReview | None = None
    ) -> bool:
        is_raised = RANK[urgency] < RANK[self.urgency]
        if is_raised:
            self.set(urgency, source, at, by)
        return is_raised

    def open(self, at: datetime) -> None:
        self.queued_at = self.queued_at or at

    def judge(self, urgency: Band, at: datetime) -> None:
        self.newest = urgency
        if not self.reviews:
            self.set(urgency, LevelSource.MODEL, at)
            if self.changed:
                self.raise_to(DOCTOR_REVIEW, LevelSource.COMPARISON, at)
            self.open(at)
        elif self.raise_to(urgency, LevelSource.MODEL, at):
            self.open(at)

    def cover(self, review: SpotReview, at: datetime) -> None:
        if review.certainty is Certainty.LABORATORY:
            self.day = None
        self.set(review.urgency, LevelSource.REVIEW, at, review)
        self.reviews.append(review)
        self.queued_at, self.disputed = None, False

    def give(self, spot: str, number: int, newest: Band, at: datetime) -> "Photo":
        """Move the photo to another patient. It has not been compared with any photo of that
        patient.
        """
        urgency, compared = self.urgency, self.source is LevelSource.COMPARISON
        source = LevelSource.MODEL if compared else self.source
        given = Photo(spot, number, newest, urgency, source, day=self.day, queued_at=at)
        if RANK[newest] <= RANK[self.urgency]:
            given.set(newest, LevelSource.MODEL, at)
        return given

    def leaves_stub(self, what: str) -> bool:
        if what == "in_error":
            return self.urgency in URGENT
        waits = self.queued_at is not None and RANK[self.urgency] <= RANK[DOCTOR_REVIEW]
        return waits or bool(self.reviews)


class Oracle:
    def __init__(self) -> None:
        self.log: list[Done] = []
        self._photos: dict[int, dict[str, Photo]] = {}  # the answer for each length of the log

    def photos(self, spot: str, length: int | None = None) -> dict[str, Photo]:
        length = len(self.log) if length is None else length
        if length not in self._photos:
            self._photos[length] = {}
            for number in range(length):
                self._do(number, self._photos[length])
        return {name: each for name, each in self._photos[length].items() if each.spot == spot}

    def _do(self, number: int, photos: dict[str, Photo]) -> None:
        at, what, spot, name, urgency, other, review = self.log[number]
        photo = photos.get(name) or Photo(spot, number, urgency, urgency)
        if what == "added":
            photos[name] = photo
            photo.set(urgency, LevelSource.MODEL, at)
            photo.open(at)
        elif what in ("judged", "corrected"):
            photo.judge(urgency, at)
        elif what == "compared" and self._is_change(number):
            photo.changed = True
            photo.raise_to(DOCTOR_REVIEW, LevelSource.COMPARISON, at)
            photo.open(at)
        elif what == "disputed":
            photo.disputed = True
            photo.open(at)
        elif what == "signed" and review:
            for each in [each for each in photos.values() if each.spot == spot]:
                each.cover(review, at)
        elif what == "voided":
            for each in photos.values():
                if review in each.reviews:
                    for latest in self._not_voided(each.reviews, number + 1)[-1:]:
                        each.raise_to(latest.urgency, LevelSource.REVIEW, at, latest)
                    each.raise_to(each.newest, LevelSource.MODEL, at)
                    each.open(at)
        elif what == "moved":
            photo.spot = other
            photo.open(at)
        elif what == "given":
            photos[f"{name}'"] = photos.pop(name).give(other, number, urgency, at)
        elif what in ("deleted", "in_error"):
            photo.stub = photo.leaves_stub(what)
            if not photo.stub:
                del photos[name]

    def _is_change(self, number: int) -> bool:
        """A comparison changes something only the first time for its two photos."""
        act = self.log[number]
        before = [(each.what, each.photo, each.other) for each in self.log[:number]]
        again = act.what == "compared" and (act.what, act.photo, act.other) in before
        return act.what in CHANGES and not again

    def _not_voided(self, reviews: list[SpotReview], length: int | None = None) -> list[SpotReview]:
        voided = [act.review for act in self.log[:length] if act.what == "voided"]
        return [review for review in reviews if review not in voided]

    def voided_at(self, review: SpotReview) -> datetime | None:
        voided = (act.at for act in self.log if act.what == "voided" and act.review == review)
        return next(voided, None)

    def _changes(self, spot: str) -> Iterator[Done]:
        """A moved photo changes both spots, and a voided review each spot with a photo of it."""
        for number, act in enumerate(self.log):
            covered = [photo.reviews for photo in self.photos(spot, number).values()]
            of_other = act.what in ("moved", "given") and act.other == spot
            of_review = act.what == "voided" and any(act.review in each for each in covered)
            if self._is_change(number) and (act.spot == spot or of_other or of_review):
                yield act

    def version(self, spot: str) -> int:
        return len(list(self._changes(spot)))

    def last_change(self, spot: str, after: SpotReview) -> str | None:
        last = None
        for act in self._changes(spot):
            if act.at > after.signed_at:
                given = "moved" if act.spot == spot else "added"
                last = given if act.what == "given" else act.what
        return last

    def first(self, spot: str, length: int | None = None) -> Photo | None:
        def place(photo: Photo) -> tuple[int, bool, int]:
            return RANK[photo.urgency], photo.source is not LevelSource.REVIEW, -photo.number

        return min(self.photos(spot, length).values(), key=place, default=None)

    def is_open(self, spot: str) -> bool:
        return any(photo.queued_at for photo in self.photos(spot).values())

    def current_review(self, spot: str) -> SpotReview | None:
        covering = [review for each in self.photos(spot).values() for review in each.reviews]
        signed = [act.review for act in self.log if act.review in covering]
        remaining = self._not_voided([review for review in signed if review])
        return remaining[-1] if remaining else None

    def awaits_result(self, spot: str) -> bool:
        review = self.current_review(spot)
        return review is not None and review.sample is Sample.WAITING

    def day(self, spot: str) -> date | None:
        photos = self.photos(spot).values()
        open_and_urgent = [each for each in photos if each.queued_at and each.urgency in URGENT]
        if self.awaits_result(spot) and not open_and_urgent:
            return None
        return min([each.day for each in photos if each.day], default=None)

    def telling(self, spot: str) -> tuple[datetime, bool] | None:
        """Since when the patient is to be notified, and whether of "this week" or a cancer."""
        since, grave, is_opened = None, False, False
        for number, act in enumerate(self.log):
            news = []
            before, after = self.first(spot, number), self.first(spot, number + 1)
            if after and (before is None or RANK[after.urgency] < RANK[before.urgency]):
                news.append(after.urgency)
            cancer = False
            if act.spot == spot:
                if act.what == "signed" and act.review:
                    cancer = act.review.label in CANCERS
                    news.append(act.review.urgency)
                if act.what in ("given", "in_error") and is_opened:
                    news.append(self.photos(spot, number)[act.photo].urgency)
                if act.what in ("opened", "told"):
                    since, grave, is_opened = None, False, is_opened or act.what == "opened"
            if cancer or any(urgency in URGENT for urgency in news):
                since, grave = since or act.at, grave or cancer or THIS_WEEK in news
        return (since, grave) if since else None

    def asked_at(self, spot: str) -> datetime | None:
        """Since when a colleague is asked: until a review, or until all its photos are gone. The
        question moves with the photo on whose page it was asked.
        """
        asked = dict[str, Done]()
        for number, act in enumerate(self.log, 1):
            question = asked.get(act.spot)
            if act.what == "asked":
                asked[act.spot] = act
            elif act.what == "signed":
                asked.pop(act.spot, None)
            elif act.what == "moved" and question and question.photo == act.photo:
                asked.setdefault(act.other, asked.pop(act.spot))
            if all(photo.stub for photo in self.photos(act.spot, number).values()):
                asked.pop(act.spot, None)
        return asked[spot].at if spot in asked else None

    def waiting(self, spot: str, *, can_read: bool) -> dict[WaitingKind, datetime]:
        dues: dict[WaitingKind, datetime] = {}
        photos = [*self.photos(spot).values()]
        for photo in photos:
            if photo.queued_at:
                due = photo.queued_at + timedelta(3 if photo.urgency in URGENT else 14)
                dues[WaitingKind.REVIEW] = min(due, dues.get(WaitingKind.REVIEW, due))
        review = self.current_review(spot)
        if review and review.sample is Sample.WAITING:
            dues[WaitingKind.RESULT] = review.signed_at + timedelta(14)
        wish = written = None
        for act in self.log:
            if act.what == "wrote" and act.spot == spot:
                written = written or act.at
            if act.what == "settled" and act.spot == spot:
                written = None
            receives = act.what == "given" and act.other == spot
            if receives or (act.what == "added" and act.spot == spot):
                wish = None
            if act.what == "voided" and act.review == wish:
                wish = None
            if act.what == "signed" and act.spot == spot and act.review:
                wish = act.review if act.review.photo_wanted else None
        if asked := self.asked_at(spot):
            dues[WaitingKind.OPINION] = asked + timedelta(7)
        if written:
            dues[WaitingKind.ANSWER] = written + timedelta(3)
        if wish and photos:
            dues[WaitingKind.PHOTO] = wish.signed_at + timedelta(3)
        if day := self.day(spot):
            dues[WaitingKind.VISIT] = datetime.combine(day + timedelta(1), time(), UTC)
        if told := self.telling(spot):
            dues[WaitingKind.TELLING] = told[0] + timedelta(
                (3 if told[1] else 7) if can_read else 0
            )
        return dues

    def needs_confirmation(self, spot: str, new: SpotReview) -> bool:
        asked, first, current = RANK[new.urgency], self.first(spot), self.current_review(spot)
        milder = [first is not None and asked - RANK[first.urgency] >= 2]
        milder += [asked > RANK[LABEL_ASKS.get(new.label or "", WATCH)]]
        if current:
            milder += [asked > RANK[current.urgency]]
            milder += [current.label in CANCERS and new.label not in CANCERS]
            proven = Certainty.LABORATORY
            milder += [current.certainty is proven and new.certainty is not proven]
        return any(milder)
