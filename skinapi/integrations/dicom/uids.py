"""The UIDs of a finding's objects. They are made of the finding's id, so that the same object has
the same UID whenever it is made, and none is stored: `2.25.` with a number of 128 bits is a UID of
anybody's own (PS3.5, B.2), and what follows it names the object.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

ROOT = "2.25"
# Raise it where an object of the same finding says something else than it did before.
FORMAT = 1
# The id of the finding, the kind of object, FORMAT, the object.
OURS = re.compile(ROOT.replace(".", r"\.") + r"\.(\d{1,39})(?:\.([1-5])(?:\.\d\.(\d{1,15}))?)?")


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
    """Of which finding an object is. A picture's `number` is its place among those that were sent;
    a report's says what it says.
    """

    finding: str
    kind: Kind
    number: int

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
        found = OURS.fullmatch(uid)
        if found is None or found[3] is None:
            return None
        parsed = cls(_id_of(found[1]), Kind(int(found[2])), int(found[3]))
        return parsed if parsed.uid == uid else None


def study_uid(finding: str) -> str:
    return uid_of_id(finding)


def uid_of_id(identifier: str) -> str:
    """A UID for what has such an id (platform/storage/ids.py), as a finding or a spot."""
    return f"{ROOT}.{int(identifier, 16)}"


def finding_of(study: str) -> str | None:
    """The id of the finding of which this is the study. None where it is none of ours."""
    found = OURS.fullmatch(study)
    return _id_of(found[1]) if found and found[2] is None else None


def _id_of(number: str) -> str:
    return f"{int(number):032x}"
