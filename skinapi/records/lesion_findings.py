"""Which findings a spot (a lesion) has: the field `lesion` of the submissions."""

from collections.abc import Iterable, Sequence

from skinapi.domain.pages import Page, page_of
from skinapi.records.decisions import WaitsFor
from skinapi.records.instructions import Instruction, reconcile
from skinapi.records.queue_keys import awaited_range, awaited_since
from skinapi.records.resting import renew
from skinapi.records.submission import ADVISED_FIELDS, COURSE_FIELDS, AdvisedEntry, CourseEntry
from skinapi.records.submissions import TOUCH
from skinapi.storage.ids import new_id
from skinapi.storage.ports import Filter, Ops, Store


class LesionFindings:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("submissions")
        self._documents.ensure_index("lesion", "id")

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

    def instruct_all(self, lesions: Sequence[str], *, for_owner: bool) -> dict[str, Instruction]:
        """What is to be done about each of these spots that has findings, as their owner may know
        or as a doctor does.
        """
        found = self.list_advised(lesions, for_owner=for_owner)
        told = {lesion: reconcile(advised) for lesion, advised in found.items()}
        return {lesion: one for lesion, one in told.items() if one}

    def list_advised(
        self, lesions: Sequence[str], *, for_owner: bool
    ) -> dict[str, list[AdvisedEntry]]:
        """What all findings of these spots say that is to be done, in the order of time."""
        found: dict[str, list[AdvisedEntry]] = {}
        wanted = {"lesion": {"$in": [*lesions]}}
        fields = (*ADVISED_FIELDS, "lesion")
        for one in self._documents.find(wanted, sort="lesion", fields=fields):
            advised = AdvisedEntry.model_validate(one)
            told = advised.for_owner() if for_owner else advised
            found.setdefault(one["lesion"], []).append(told)
        return {
            lesion: sorted(told, key=lambda one: (one.photographed_at, one.id))
            for lesion, told in found.items()
        }

    def advised_of(self, lesion: str) -> list[AdvisedEntry]:
        """The same of one spot, as its owner may know."""
        return self.list_advised([lesion], for_owner=True).get(lesion, [])

    def list_unsorted(self, owner: str, *, limit: int) -> list[list[AdvisedEntry]]:
        """What the newest findings of an owner that belong to no spot say that is to be done, as
        their owner may know. Those on one photo, which was judged again, are together.
        """
        wanted: Filter = {"owner": owner, "lesion": None}
        fields = (*ADVISED_FIELDS, "again_of")
        found: dict[int, list[AdvisedEntry]] = {}
        for one in self._documents.find(wanted, sort="-id", limit=limit, fields=fields):
            told = AdvisedEntry.model_validate(one).for_owner()
            found.setdefault(one.get("again_of") or told.number, []).insert(0, told)
        return [*found.values()]

    def by_ids(self, identifiers: list[str]) -> dict[str, CourseEntry]:
        """Those of these findings that are not deleted."""
        found = self._documents.find({"id": {"$in": identifiers}}, fields=COURSE_FIELDS)
        return {one["id"]: CourseEntry.model_validate(one) for one in found}

    def numbers_of(self, identifiers: list[str]) -> dict[str, int]:
        """The numbers of those of these findings that are not deleted."""
        found = self._documents.find({"id": {"$in": identifiers}}, fields=("number",))
        return {one["id"]: one["number"] for one in found}

    def put(self, submission_id: str, lesion: str | None) -> None:
        """Give a finding to a spot, or to none."""
        move = _move_to(lesion)
        move["$set"] = {**move.get("$set", {}), "changed": new_id()}
        before = self._documents.get(submission_id) or {}
        self._documents.update({"id": submission_id}, move)
        if lesion:
            self.answer_wishes(lesion)
        renew(self._documents, lesions=[before.get("lesion"), lesion], ids=[submission_id])

    def move_all(self, lesion: str, to: str | None) -> None:
        """Give all findings of a spot to another one, or to none."""
        moved = self._note_changes(lesion)
        self._documents.update_all({"lesion": lesion}, _move_to(to))
        if to:
            self.answer_wishes(to)
        renew(self._documents, lesions=[to], ids=moved)

    def answer_wishes(self, lesion: str) -> None:
        """A doctor who asked for another photo of this spot waits no more where a newer one is
        there.
        """
        newest = self.newest(lesion)
        if newest is None:
            return
        came = newest.photographed_at
        asked, _ = awaited_range(WaitsFor.PHOTO)
        before = {"$gt": asked, "$lt": awaited_since(WaitsFor.PHOTO, came)}
        change: Ops = {"$set": {"photo_came_at": came}, "$unset": {"awaited_key": True}}
        self._documents.update_all({"lesion": lesion, "awaited_key": before}, change)

    def leave(self, lesion: str, *, keep: bool) -> None:
        """Take all findings out of a spot that is deleted. With `keep` they remember it, so that
        the doctor finds the messages about it.
        """
        left = self._note_changes(lesion)
        change = _move_to(None)
        if keep:
            change["$set"] = {"former_lesion": lesion}
        self._documents.update_all({"lesion": lesion}, change)
        renew(self._documents, ids=left)

    def _note_changes(self, lesion: str) -> list[str]:
        """See `Submissions.note_change`; each gets an id of its own, by which pages continue. The
        result is the ids of its findings.
        """
        changed = {one: {"changed": new_id()} for one in self.numbers(lesion)}
        self._documents.set_each(changed)
        return [*changed]

    def named_lesions(self) -> Iterable[str]:
        """The spots that findings name, whether these exist or not."""
        return sorted(self._documents.count_by("lesion"))


def _move_to(lesion: str | None) -> Ops:
    change: Ops = {"$set": {"lesion": lesion}} if lesion else {"$unset": {"lesion": True}}
    return {**change, **TOUCH}
