"""What a client of the archive's interface asks for: the query of QIDO-RS and its answer.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.4
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Self

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from skinapi.base.errors import InvalidQuery
from skinapi.platform.storage.ids import first_id_at

MOST_RESULTS = 100
MOST_SKIPPED = 10_000
MOST_KEYS = 50
NOBODY = " "  # no number is a space
FIRST_ID, END_ID = "0" * 32, "g"  # no id sorts before the first, and none behind the end
TAG = re.compile("[0-9A-Fa-f]{8}")
DAY = re.compile(r"(\d{8})?(-)?(\d{8})?")
_TIME = r"(\d{2}(?:\d{2}){0,2}(?:\.\d{1,6})?)?"
TIME = re.compile(f"{_TIME}(-)?{_TIME}", re.ASCII)
SEVERAL = re.compile(r"[,\\]")  # between UIDs
STUDY_ANSWER = (
    *("SpecificCharacterSet", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription"),
    *("ModalitiesInStudy", "SOPClassesInStudy", "ReferringPhysicianName", "RetrieveURL"),
    *("TimezoneOffsetFromUTC", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate"),
    *("PatientSex", "StudyInstanceUID", "StudyID", "NumberOfStudyRelatedSeries"),
    *("NumberOfStudyRelatedInstances", "InstanceAvailability"),
)
SERIES_ANSWER = (
    *("SpecificCharacterSet", "Modality", "TimezoneOffsetFromUTC", "SeriesDescription"),
    *("RetrieveURL", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"),
    *("NumberOfSeriesRelatedInstances", "InstanceAvailability"),
)
INSTANCE_ANSWER = (
    *("SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "InstanceAvailability"),
    *("TimezoneOffsetFromUTC", "RetrieveURL", "StudyInstanceUID", "SeriesInstanceUID", "Modality"),
    *("InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames"),
)


@dataclass(frozen=True, slots=True)
class Query:
    """`keys` are what has to match, by keyword; `include` further attributes of the answer, None:
    all.
    """

    keys: dict[str, str]
    include: frozenset[str] | None
    limit: int
    offset: int

    @classmethod
    def parse(cls, given: Iterable[tuple[str, str]]) -> Self:
        """The parameters of a request, which may repeat `includefield`. Raises InvalidQuery."""
        keys: dict[str, str] = {}
        numbers = {"limit": MOST_RESULTS, "offset": 0}
        include: set[str] = set()
        everything = False
        for name, value in islice(given, MOST_KEYS):
            if name in numbers:
                numbers[name] = _number(name, value)
            elif name == "includefield":
                everything |= value == "all"
                include |= {_keyword(one) for one in value.split(",") if one != "all"}
            elif name == "fuzzymatching":
                if value != "false":
                    raise InvalidQuery("fuzzymatching is not done here: leave it out")
            elif value:  # one without a value matches all, and asks for the attribute
                keys[_keyword(name)] = value
            else:
                include.add(_keyword(name))
        if "StudyTime" in keys:
            _read_times(keys["StudyTime"])
        limit = min(numbers["limit"], MOST_RESULTS)
        return cls(keys, None if everything else frozenset(include), limit, numbers["offset"])

    @property
    def patient(self) -> str | None:
        """The patient, where one is asked for by the whole id or number."""
        asked = self.keys.get("PatientID", "")
        if not asked or set(asked) & set("*?\\"):
            return None
        # The store takes no value with a NUL. Nobody has the other id, so nothing is found.
        return asked if asked.isprintable() else NOBODY

    def fits_patient(self, *identifiers: str) -> bool:
        """Whether a patient is asked for who has one of these ids, or none is."""
        asked = self.keys.get("PatientID")
        return asked is None or any(_is_like(each, asked) for each in identifiers)

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of findings of the days that are asked for, from the first to before the second.
        Raises InvalidQuery.
        """
        asked = self.keys.get("StudyDate")
        if asked is None:
            return FIRST_ID, END_ID
        found = DAY.fullmatch(asked)
        if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
            raise InvalidQuery("StudyDate is a day as 20261126, or two with a hyphen: from, to")
        first = first_id_at(_day(found[1])) if found[1] else FIRST_ID
        last = found[3] if found[2] else found[1]
        return first, first_id_at(_day(last) + timedelta(days=1)) if last else END_ID

    def select(self, found: Iterable[Dataset]) -> list[Dataset]:
        """Those that match, behind the offset and one more than the limit at most."""
        matching = (one for one in found if self._matches(one))
        return list(islice(matching, self.offset, self.offset + self.limit + 1))

    def _matches(self, one: Dataset) -> bool:
        return all(_fits(one, keyword, asked) for keyword, asked in self.keys.items())

    def answer(self, one: Dataset, always: Sequence[str]) -> dict[str, Any]:
        """What is said of a match, as DICOM JSON."""
        if self.include is None:
            return as_json(one)
        wanted = {*always, *self.include, *self.keys}
        said = Dataset()
        for element in one:
            if element.keyword in wanted:
                said.add(element)
        return as_json(said)


def as_json(one: Dataset) -> dict[str, Any]:
    plain: dict[str, Any] = one.to_json_dict()
    return plain


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 9 or int(value) > MOST_SKIPPED:
        raise InvalidQuery(f"{name} is a number of at most {MOST_SKIPPED}")
    return int(value)


def _keyword(name: str) -> str:
    """The keyword of an attribute, which may be named by its tag. Raises InvalidQuery."""
    if TAG.fullmatch(name):
        name = keyword_for_tag(Tag(name)) or name
    if tag_for_keyword(name) is None:
        raise InvalidQuery(f"{name[:64]} is no attribute of DICOM")
    return name


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidQuery(f"{text} is no day") from error


def _fits(one: Dataset, keyword: str, asked: str) -> bool:
    """By the rules of PS3.4, C.2.2.2: a list of UIDs, wild cards, else the value itself. The day of
    the study and the patient, who has two ids, were looked at before.
    """
    if keyword in ("StudyDate", "PatientID"):
        return True
    if keyword == "StudyTime":
        return _is_within(str(one.get(keyword) or ""), asked)
    value = one.get(keyword)
    values = [str(each) for each in value] if _is_list(value) else [str(value or "")]
    if dictionary_VR(keyword) == "UI" or keyword in ("ModalitiesInStudy", "Modality"):
        return bool({*SEVERAL.split(asked)} & {*values})
    return any(_is_like(each, asked) for each in values)


def _is_like(value: str, asked: str) -> bool:
    return fnmatchcase(value, asked.replace("[", "[[]"))


def _is_within(time: str, asked: str) -> bool:
    """Whether a time lies in a range (PS3.4, C.2.2.2.5); one with fewer digits stands for all times
    that begin so.
    """
    first, is_range, last = _read_times(asked)
    if not is_range:
        return time.startswith(first)
    return first <= time and (not last or time[: len(last)] <= last)


def _read_times(asked: str) -> tuple[str, bool, str]:
    """Raises InvalidQuery."""
    found = TIME.fullmatch(asked)
    if found is None or not (found[1] or found[3]) or (found[3] and not found[2]):
        raise InvalidQuery("StudyTime is a time as 101500, or two with a hyphen: from, to")
    return found[1] or "", bool(found[2]), found[3] or ""


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
