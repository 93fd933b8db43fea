"""Which findings a spot (a lesion) has: the field `lesion` of the submissions."""

from collections.abc import Iterable, Sequence

from skinapi.domain.pages import Page, page_of
from skinapi.records.instructions import JudgedPhoto
from skinapi.records.spots import PHOTO_FIELDS, Spots, photo_of
from skinapi.records.standing import Reader, Standing
from skinapi.records.submission import COURSE_FIELDS, CourseEntry, QueueEntry
from skinapi.records.submissions import TOUCH
from skinapi.storage.ports import Filter, Ops, Store


class LesionFindings:
    def __init__(self, store: Store, spots: Spots) -> None:
        self._documents = store.collection("submissions")
        self._spots = spots

    def count(self, lesion: str) -> int:
        return self._documents.count({"lesion": lesion})

    def newest(self, lesion: str) -> CourseEntry | None:
        """The finding on the newest photo; where that was judged again, the last one."""
        wanted: Filter = {"lesion": lesion}
        found = self._documents.find(wanted, sort="-id", limit=1, fields=COURSE_FIELDS)
        if found and found[0].get("photo_sent_at"):  # it may be on an older photo
            found = self._documents.find(wanted, fields=COURSE_FIELDS)
        entries = map(CourseEntry.model_validate, found)
        return max(entries, key=lambda one: (one.photographed_at, one.id), default=None)

    def page(
        self, lesion: str, *, newest_first: bool, after: str | None, limit: int
    ) -> Page[CourseEntry]:
        """One page of a spot's findings in the order of time."""
        wanted: Filter = {"lesion": lesion}
        if after:
            wanted["id"] = {"$lt" if newest_first else "$gt": after}
        sort = "-id" if newest_first else "id"
        found = self._documents.find(wanted, sort=sort, limit=limit + 1, fields=COURSE_FIELDS)
        return page_of(found, limit).map(CourseEntry.model_validate)

    def numbers(self, lesion: str) -> dict[str, int]:
        """The numbers of all findings of a spot, by their ids."""
        found = self._documents.find({"lesion": lesion}, fields=("number",))
        return {one["id"]: one["number"] for one in found}

    def list_unsorted(self, owner: str, *, limit: int) -> list[Standing]:
        """What holds about the newest findings of an owner that belong to no spot, as their owner
        may know. Those on one photo, which was judged again, are together.
        """
        wanted: Filter = {"owner": owner, "lesion": None}
        fields = (*PHOTO_FIELDS, "again_of", "error")
        photos: dict[int, list[JudgedPhoto]] = {}
        for one in self._documents.find(wanted, sort="-id", limit=limit, fields=fields):
            if one.get("error"):
                continue
            photo = photo_of(one)
            photos.setdefault(one.get("again_of") or photo.number, []).insert(0, photo)
        return self._spots.stand_alone([*photos.values()], Reader.PATIENT)

    def by_ids(self, identifiers: list[str]) -> dict[str, CourseEntry]:
        """Those of these findings that are not deleted."""
        found = self._documents.find({"id": {"$in": identifiers}}, fields=COURSE_FIELDS)
        return {one["id"]: CourseEntry.model_validate(one) for one in found}

    def numbers_of(self, identifiers: list[str]) -> dict[str, int]:
        """The numbers of those of these findings that are not deleted."""
        found = self._documents.find({"id": {"$in": identifiers}}, fields=("number",))
        return {one["id"]: one["number"] for one in found}

    def put(self, submission_id: str, lesion: str | None) -> list[QueueEntry]:
        """Give a finding to a spot, or to none. The result is the findings of which something else
        holds then, here as of the other moves.
        """
        before = self._documents.get(submission_id) or {}
        self._documents.update({"id": submission_id}, _move_to(lesion))
        alone = [] if lesion else [submission_id]
        return self._note_move(before.get("lesion"), lesion, alone)

    def move_all(self, lesion: str, to: str | None) -> list[QueueEntry]:
        """Give all findings of a spot to another one, or to none."""
        moved = [*self.numbers(lesion)]
        self._documents.update_all({"lesion": lesion}, _move_to(to))
        return self._note_move(None, to, [] if to else moved)

    def leave(self, lesion: str, *, keep: bool) -> list[QueueEntry]:
        """Take all findings out of a spot that is deleted. With `keep` they remember it, so that
        the doctor finds the messages about it.
        """
        left = [*self.numbers(lesion)]
        change = _move_to(None)
        if keep:
            change["$set"] = {"former_lesion": lesion}
        self._documents.update_all({"lesion": lesion}, change)
        return self._note_move(None, None, left)

    def _note_move(
        self, left: str | None, entered: str | None, alone: Sequence[str]
    ) -> list[QueueEntry]:
        """What holds about the spots that findings left and entered is another thing now."""
        self._spots.renew_keys(lesions=[left, entered], ids=alone)
        return self._spots.note_changes_of([left, entered], ids=alone)

    def named_lesions(self) -> Iterable[str]:
        """The spots that findings name, whether these exist or not."""
        return sorted(self._documents.count_by("lesion"))


def _move_to(lesion: str | None) -> Ops:
    change: Ops = {"$set": {"lesion": lesion}} if lesion else {"$unset": {"lesion": True}}
    return {**change, **TOUCH}
