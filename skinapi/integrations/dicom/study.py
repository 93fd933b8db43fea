"""A finding as a study of an archive, what there is of it, and the UIDs of that.

UIDs are made of the finding's id, so that the same object has the same UID whenever it is made, and
none is stored: `2.25.` with a number of 128 bits is a UID of anybody's own (PS3.5, B.2), and what
follows it names the object. That of a report also follows from the reports that the archive has.
"""

import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Self

from skinapi.accounts.auth.account import Subject
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.context import Modality
from skinapi.platform.storage.ids import now

ROOT = "2.25"
# Raise it where an object of the same finding says something else than it did before.
FORMAT = 1
# More than the pictures of a finding.
PLACES = 100
# More than the versions of a finding, by PLACES.
AMENDED = 10_000
# More than the number of what a report says, which is of SAID_DIGITS hexadecimal digits.
TURN = 10**12
SAID_DIGITS = 9
# What a picture's object says of what was told.
TOLD_BY_PHOTO = {"age", "sex", "body_site", "body_laterality", "modality"}
# The id of the finding, the kind of object, FORMAT, the object.
OURS = re.compile(ROOT.replace(".", r"\.") + r"\.(\d{1,39})\.([1-5])\.\d\.(\d{1,15})")


class Kind(IntEnum):
    """What an object is; its number is that of its series."""

    PHOTO = 1
    DERMOSCOPY = 2
    HEAT_MAP = 3
    STRUCTURED_REPORT = 4
    REPORT = 5

    @property
    def is_picture(self) -> bool:
        return self <= Kind.HEAT_MAP


@dataclass(frozen=True, slots=True)
class ObjectId:
    """`number` is that of what a report says, with its turn; of a picture its place among those
    that were sent, with the version of the finding, and how many of its amendments, since which it
    is as it is.
    """

    finding: str
    kind: Kind
    number: int

    @classmethod
    def of_picture(
        cls, finding: str, kind: Kind, place: int, version: int, amended: int = 0
    ) -> Self:
        return cls(finding, kind, amended * AMENDED + (version - 1) * PLACES + place)

    @property
    def place(self) -> int:
        """The place of a picture among those of its finding."""
        return self.number % PLACES

    @property
    def version(self) -> int:
        """The version of the finding whose picture this is."""
        return self.number % AMENDED // PLACES + 1

    @property
    def turn(self) -> int:
        """How many reports of its kind the archive had before this one."""
        return self.number // TURN

    @property
    def said(self) -> int:
        """The number of what this report says."""
        return self.number % TURN

    @property
    def study(self) -> str:
        return study_uid(self.finding)

    @property
    def series(self) -> str:
        return f"{self.study}.{self.kind:d}"

    @property
    def uid(self) -> str:
        return f"{self.series}.{FORMAT}.{self.number}"

    @classmethod
    def parse(cls, uid: str) -> Self | None:
        """None where it is no object of a finding; the finding may not be there."""
        parts = OURS.fullmatch(uid)
        if parts is None:
            return None
        parsed = cls(f"{int(parts[1]):032x}", Kind(int(parts[2])), int(parts[3]))
        return parsed if parsed.uid == uid else None


def study_uid(identifier: str) -> str:
    return f"{ROOT}.{int(identifier, 16)}"


@dataclass(frozen=True, slots=True)
class Study:
    """A finding as its reader may see it, and what there is of it: `objects`, in the order of their
    series. At `reported_at` its printed report last got to say something else, or got or lost a
    letter. `photos_withdrawn`: the patient has withdrawn the consent that photos are kept. `there`
    are the UIDs of what the archive has of it.
    """

    finding: StoredFinding
    objects: tuple[ObjectId, ...]
    reader: Subject
    reported_at: datetime
    photos_withdrawn: bool
    there: Set[str] = frozenset()

    def for_archive(self, there: Set[str]) -> Self:
        """What an archive that has `there` should have. A report that says something else than the
        last one there is another object, also where one before that has said the same.
        """
        known = replace(self, there=there)
        return replace(known, objects=tuple(map(known._follow, self.objects)))

    def _follow(self, of: ObjectId) -> ObjectId:
        if of.kind.is_picture:
            return of
        sent = self._list_sent(of)
        turn = max((known.turn for known in sent), default=-1)
        last = [known for known in sent if known.turn == turn]
        # Several, where the archive did not yet list what it had taken.
        if [known.said for known in last] == [of.said]:
            return last[0]
        return replace(of, number=(turn + 1) * TURN + of.said)

    def find_before(self, of: ObjectId) -> ObjectId | None:
        """The report of the archive that this one replaces."""
        return max(self._list_sent(of), key=lambda known: known.number, default=None)

    def _list_sent(self, of: ObjectId) -> list[ObjectId]:
        parsed = filter(None, map(ObjectId.parse, self.there))
        return [known for known in parsed if known.series == of.series]

    def date(self, of: ObjectId, said_at: datetime) -> datetime:
        """The time of a report of what was said then: now, where it replaces one of the archive,
        of which the latest counts.
        """
        replaces = any(uid.startswith(f"{of.series}.") for uid in self.there)
        return now() if replaces else said_at


def version_of(finding: StoredFinding) -> int:
    said = f"{finding.lesion} {finding.spot.version}"
    return number_of(hashlib.sha256(said.encode()).hexdigest())


def number_of(digest: str) -> int:
    return int(digest[:SAID_DIGITS], 16)


def list_amended(finding: StoredFinding) -> list[datetime]:
    """When something was corrected that a picture's object says, without another version."""
    return [
        item.amended_at for item in finding.amendments if TOLD_BY_PHOTO.intersection(item.before)
    ]


def pictures_of(finding: StoredFinding) -> list[ObjectId]:
    """The kept photos of a finding, each with its heat map, which another version draws anew. A
    photograph is another object where something was corrected that it says.
    """
    steps = [(item.version, item.corrected) for item in finding.earlier]
    steps.append((finding.version, finding.corrected))
    told = [version for version, corrected in steps if TOLD_BY_PHOTO.intersection(corrected)]
    amended = len(list_amended(finding))
    return [
        ObjectId.of_picture(finding.id, kind, index, version, amended)
        for index, picture in enumerate(finding.pictures, 1)
        if picture.photo_blob
        for kind, version in (
            (kind_of(picture), max(told, default=1)),
            (Kind.HEAT_MAP, finding.version),
        )
    ]


def kind_of(picture: StoredFinding) -> Kind:
    modality = picture.finding.modality
    dermoscopic = modality is not None and modality.used == (Modality.DERMOSCOPIC,)
    return Kind.DERMOSCOPY if dermoscopic else Kind.PHOTO
