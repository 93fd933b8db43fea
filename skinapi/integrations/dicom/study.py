"""A finding as a study, its objects and their UIDs.

UIDs are derived from the finding's id, so they are stable without being stored. `2.25.` with a
number of 128 bits is a UID that anybody may use (PS3.5, B.2); what follows it names the object.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Self

from skinapi.accounts.auth.account import Subject
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.model.context import Modality

ROOT = "2.25"
# Increase it whenever objects of the same finding get another content.
FORMAT = 1
# More than the pictures of a finding.
PLACES = 100
# More than the versions of a finding, by PLACES.
AMENDED = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the number of a report counts. A UID has 64 characters at most.
TICK = timedelta(microseconds=10)
# The id of the finding, the kind of object, FORMAT, the object.
OURS = re.compile(ROOT.replace(".", r"\.") + r"\.(\d{1,39})\.([1-5])\.\d\.(\d{1,15})")


class Kind(IntEnum):
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
    """`number` of a report is the time of its current content. That of a picture is its index, with
    the version of the finding and the number of its amendments.
    """

    finding: str
    kind: Kind
    number: int

    @classmethod
    def of_report(cls, finding: StoredFinding, kind: Kind) -> Self:
        return cls(finding.id, kind, (finding.said_at - EPOCH) // TICK)

    @property
    def place(self) -> int:
        return self.number % PLACES

    @property
    def said_at(self) -> datetime:
        return EPOCH + self.number * TICK

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
        parts = OURS.fullmatch(uid)
        if parts is None:
            return None
        parsed = cls(f"{int(parts[1]):032x}", Kind(int(parts[2])), int(parts[3]))
        return parsed if parsed.uid == uid else None


def study_uid(identifier: str) -> str:
    return f"{ROOT}.{int(identifier, 16)}"


@dataclass(frozen=True, slots=True)
class Study:
    """A finding as its reader may see it, with its `objects` in the order of their series.
    `photos_withdrawn`: the patient has withdrawn consent to storing photos. `there` are the UIDs
    that the archive has.
    """

    finding: StoredFinding
    objects: tuple[ObjectId, ...]
    reader: Subject
    photos_withdrawn: bool
    there: Set[str] = frozenset()

    def find_before(self, of: ObjectId) -> ObjectId | None:
        parsed = filter(None, map(ObjectId.parse, self.there))
        older = [it for it in parsed if it.series == of.series and it.number < of.number]
        return max(older, key=lambda known: known.number, default=None)


def pictures_of(finding: StoredFinding) -> list[ObjectId]:
    """The stored photos of a finding, each with its heat map. Another version, or a corrected side,
    has new objects, because the objects contain the entered facts.
    """
    step = len(finding.amendments) * AMENDED + (finding.version - 1) * PLACES
    return [
        ObjectId(finding.id, kind, step + index)
        for index, picture in enumerate(finding.pictures, 1)
        if picture.photo_blob
        for kind in (kind_of(picture), Kind.HEAT_MAP)
    ]


def kind_of(picture: StoredFinding) -> Kind:
    modality = picture.finding.modality
    dermoscopic = modality is not None and modality.used == (Modality.DERMOSCOPIC,)
    return Kind.DERMOSCOPY if dermoscopic else Kind.PHOTO
