"""Reads the facts of spots, and lets findings be seen with what holds about theirs."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from skinapi.records.errors import FindingInError
from skinapi.records.instructions import Advice, JudgedPhoto
from skinapi.records.resting import rest_keys
from skinapi.records.reviews import Reviews
from skinapi.records.standing import Reader, SpotFacts, SpotView, Standing, standing
from skinapi.records.submission import (
    KEYED_FIELDS,
    QUEUE_FIELDS,
    Entry,
    KeyedEntry,
    QueueEntry,
)
from skinapi.storage.ids import new_id, now
from skinapi.storage.ports import Document, Filter, Store, set_or_remove
from skinapi.vision.conditions import Band

PHOTO_FIELDS = ("number", "band", "created_at", "photo_sent_at", "lesion")
Seen = TypeVar("Seen", bound=Entry)


class Spots:
    def __init__(self, store: Store, reviews: Reviews) -> None:
        self._documents = store.collection("submissions")
        self._documents.ensure_index("lesion", "id")
        self._reviews = reviews

    def see(
        self, entries: Sequence[Seen], reader: Reader, *, with_errors: bool = False
    ) -> list[Seen]:
        """These findings, as the reader may know them now. It costs two queries for all of them.
        Those that were entered in error are left out, unless the caller says what that means.
        """
        found = [one for one in entries if with_errors or one.error is None]
        spots = self._read(one.lesion for one in found)
        alone = [one.photo for one in found if not one.lesion]
        reviews = self._reviews.list_of_each(
            [one.id for one in found if not (one.lesion or one.error)]
        )
        lone = {one.id: SpotFacts((one,), reviews) for one in alone}
        moment = now()
        views = {name: SpotView(facts, reader, moment) for name, facts in (spots | lone).items()}
        return [one.viewed(views[one.lesion or one.id]) for one in found]

    def see_one(self, found: Seen, reader: Reader, *, with_errors: bool = False) -> Seen:
        """Raises FindingInError."""
        if found.error and not with_errors:
            raise FindingInError(found.error.reason)
        return self.see([found], reader, with_errors=with_errors)[0]

    def stand(
        self, lesions: Sequence[str], reader: Reader, *, compared: Advice | None = None
    ) -> dict[str, Standing]:
        """What holds about each of these spots that has findings."""
        moment = now()
        return {
            lesion: standing(facts, reader, moment, compared)
            for lesion, facts in self._read(lesions).items()
        }

    def stand_alone(self, cases: Sequence[Sequence[JudgedPhoto]], reader: Reader) -> list[Standing]:
        """What holds about these photos that belong to no spot, those of each case together."""
        moment = now()
        reviews = self._reviews.list_of_each([one.id for photos in cases for one in photos])
        facts = (SpotFacts(tuple(photos), reviews) for photos in cases)
        return [standing(one, reader, moment) for one in facts]

    def note_changes(self, finding: Entry) -> list[QueueEntry]:
        """Let readers who ask for what has changed find this finding and all others of its spot, in
        the caller's transaction; each gets an id of its own, by which pages continue. The result is
        these findings, for the caller to publish.
        """
        return self.note_changes_of([finding.lesion], ids=[] if finding.lesion else [finding.id])

    def note_changes_of(
        self, lesions: Iterable[str | None], *, ids: Sequence[str] = ()
    ) -> list[QueueEntry]:
        """The same of all findings of these spots, and of these findings."""
        found = self._select(lesions, ids, QUEUE_FIELDS)
        self._documents.set_each({one["id"]: {"changed": new_id()} for one in found})
        return [QueueEntry.model_validate(one) for one in found]

    def renew_keys(
        self,
        *,
        lesions: Iterable[str | None] = (),
        ids: Sequence[str] = (),
        shown: str | None = None,
    ) -> int:
        """Give the findings of these spots, and these findings, the keys by which lists sort them,
        by what holds now. Call it in the transaction of what changed that. The result is how many
        had others. A hold that has ended keeps its key until it was told of, as it is of `shown`.
        """
        changed = self.list_changed_keys(lesions=lesions, ids=ids, shown=shown)
        for one, keys in changed:
            self._documents.update({"id": one.id}, set_or_remove(keys))
        return len(changed)

    def list_changed_keys(
        self, *, lesions: Iterable[str | None], ids: Sequence[str], shown: str | None = None
    ) -> list[tuple[KeyedEntry, dict[str, str | None]]]:
        """Those of the findings that `renew_keys` gives other keys, each with all of them."""
        found = map(KeyedEntry.model_validate, self._select(lesions, ids, KEYED_FIELDS))
        cases: dict[str, dict[str, KeyedEntry]] = {}
        for one in self.see([*found], Reader.DOCTOR):
            cases.setdefault(one.lesion or one.id, {})[one.id] = one
        return [pair for case in cases.values() for pair in _list_changed([*case.values()], shown)]

    def _select(
        self, lesions: Iterable[str | None], ids: Sequence[str], fields: tuple[str, ...]
    ) -> list[Document]:
        """The findings of these spots, and these findings."""
        selected: list[Filter] = [{"lesion": one} for one in sorted(set(filter(None, lesions)))]
        selected += [{"id": {"$in": [*ids]}}] if ids else []
        return [one for wanted in selected for one in self._documents.find(wanted, fields=fields)]

    def _read(self, lesions: Iterable[str | None]) -> dict[str, SpotFacts]:
        """The facts of these spots, by spot."""
        wanted = sorted({one for one in lesions if one})
        if not wanted:
            return {}
        photos: dict[str, list[JudgedPhoto]] = {}
        for one in self._documents.find(
            {"lesion": {"$in": wanted}}, sort="lesion", fields=PHOTO_FIELDS
        ):
            photos.setdefault(one["lesion"], []).append(photo_of(one))
        reviews = self._reviews.list_of_each([one.id for each in photos.values() for one in each])
        return {
            lesion: SpotFacts(
                tuple(sorted(each, key=lambda one: (one.photographed_at, one.id))), reviews
            )
            for lesion, each in photos.items()
        }


def _list_changed(
    case: Sequence[KeyedEntry], shown: str | None
) -> Iterator[tuple[KeyedEntry, dict[str, str | None]]]:
    rests = rest_keys(case)
    for one in case:
        keys = {**one.make_keys(), "rest_key": rests[one.id]}
        if one.id != shown and one.untold(one.stands.reviews):
            keys["hold_key"] = one.hold_key
        if keys != {name: getattr(one, name) for name in keys}:
            yield one, keys


def photo_of(document: Document) -> JudgedPhoto:
    created_at: datetime = document["created_at"]
    sent_at: datetime = document.get("photo_sent_at") or created_at
    band = Band(document["band"])
    return JudgedPhoto(document["id"], document["number"], band, created_at, sent_at)
