"""The queries of QIDO-RS, and what is answered of studies, series and instances.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.4
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import groupby, islice
from typing import Any, Self

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from skinapi.accounts.auth.account import Subject
from skinapi.base.errors import InvalidQuery, TooManyFound
from skinapi.findings.records.seen_findings import SeenSubmission
from skinapi.integrations.dicom.object_maker import ObjectMaker
from skinapi.integrations.dicom.objects import SERIES, ObjectSource, name_issuer, study_of
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Kind, Study, pictures_of, study_uid
from skinapi.platform.storage.ids import first_id_at

MOST_RESULTS = 100
MOST_SKIPPED = 10_000
MOST_KEYS = 50
NOBODY = " "  # no number is a space
FIRST_ID, END_ID = "0" * 32, "g"  # no id sorts before the first, and none behind the end
TAG = re.compile("[0-9A-Fa-f]{8}")
DAY = re.compile(r"(\d{8})?(-)?(\d{8})?")
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
        """The parameters of a request, which may repeat `includefield`."""
        keys: dict[str, str] = {}
        numbers = {"limit": MOST_RESULTS, "offset": 0}
        include: set[str] = set()
        everything = False
        for name, value in islice(given, MOST_KEYS):
            if name in numbers:
                numbers[name] = _number(name, value)
            elif name == "includefield":
                everything |= value == "all"
                include |= {_keyword(field) for field in value.split(",") if field != "all"}
            elif name == "fuzzymatching":
                if value != "false":
                    raise InvalidQuery("fuzzymatching is not done here: leave it out")
            elif value:  # one without a value matches all, and asks for the attribute
                keys[_keyword(name)] = value
            else:
                include.add(_keyword(name))
        if "StudyTime" in keys:
            raise InvalidQuery("StudyTime is not searched by here: ask for days (StudyDate)")
        limit = min(numbers["limit"], MOST_RESULTS)
        return cls(keys, None if everything else frozenset(include), limit, numbers["offset"])

    @property
    def patient(self) -> str | None:
        """Whom the query asks for by the whole id or number."""
        asked = self.keys.get("PatientID", "")
        if not asked or set(asked) & set("*?\\"):
            return None
        # The store takes no value with a NUL. Nobody has the other id, so nothing is found.
        return asked if asked.isprintable() else NOBODY

    def fits_patient(self, finding: SeenSubmission) -> bool:
        """Whether its patient is asked for, by the number that the sender's own object had or by
        the id of the account; or nobody is.
        """
        asked, identifiers = self.keys.get("PatientID"), [finding.owner]
        identifiers += [finding.source.patient_id] if finding.source else []
        return asked is None or any(_is_like(each, asked) for each in identifiers)

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of findings of the days that are asked for, and that behind the last."""
        asked = self.keys.get("StudyDate")
        if asked is None:
            return FIRST_ID, END_ID
        days = DAY.fullmatch(asked)
        if days is None or not (days[1] or days[3]) or (days[3] and not days[2]):
            raise InvalidQuery("StudyDate is a day as 20261126, or two with a hyphen: from, to")
        first = first_id_at(_day(days[1])) if days[1] else FIRST_ID
        last = days[3] if days[2] else days[1]
        return first, first_id_at(_day(last) + timedelta(days=1)) if last else END_ID

    def select(self, candidates: Iterable[Dataset]) -> list[Dataset]:
        """Choose what matches, behind the offset and one more than the limit at most."""
        matching = (
            candidate
            for candidate in candidates
            if all(_fits(candidate, keyword, asked) for keyword, asked in self.keys.items())
        )
        return list(islice(matching, self.offset, self.offset + self.limit + 1))

    def answer(self, match: Dataset, always: Sequence[str]) -> dict[str, Any]:
        """What is said of a match, as DICOM JSON."""
        wanted = {*always, *(self.include or ()), *self.keys}
        said = Dataset()
        for element in match:
            if self.include is None or element.keyword in wanted:
                said.add(element)
        plain: dict[str, Any] = said.to_json_dict()
        return plain


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 9 or int(value) > MOST_SKIPPED:
        raise InvalidQuery(f"{name} is a number of at most {MOST_SKIPPED}")
    return int(value)


def _keyword(name: str) -> str:
    """The keyword of an attribute, which may be named by its tag."""
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


def _fits(candidate: Dataset, keyword: str, asked: str) -> bool:
    """Compare by PS3.4, C.2.2.2: a list of UIDs, wild cards, else the value itself. The day of the
    study and the patient, who has two ids, were looked at before.
    """
    if keyword in ("StudyDate", "PatientID"):
        return True
    value = candidate.get(keyword)
    several = isinstance(value, Sequence) and not isinstance(value, str)
    values = [str(each) for each in value] if several else [str(value or "")]
    if dictionary_VR(keyword) == "UI" or keyword in ("ModalitiesInStudy", "Modality"):
        return bool({*SEVERAL.split(asked)} & {*values})
    return any(_is_like(each, asked) for each in values)


def _is_like(value: str, asked: str) -> bool:
    return fnmatchcase(value, asked.replace("[", "[[]"))


# So many findings are looked at for one answer; each costs about a millisecond.
MOST_SEARCHED = 2000
TOO_BROAD = (
    f"More than {MOST_SEARCHED} findings would have to be looked at: ask for days (StudyDate) or a "
    "patient (PatientID)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """`more`: there are others behind these."""

    items: list[dict[str, Any]]
    more: bool


@dataclass(frozen=True, slots=True)
class Search:
    studies: StudiesService
    address: str

    def find_studies(self, query: Query, *, to: Subject) -> Found:
        first, end = query.ids
        asked = query.keys.get("StudyInstanceUID")
        if asked:
            named = self.studies.find_each(SEVERAL.split(asked), to=to)
            findings: Iterable[SeenSubmission] = (each for each in named if first <= each.id < end)
        else:
            findings = self.studies.findings.walk_filed(
                to=to, patient=query.patient, first=first, end=end
            )
        findings = (each for each in findings if query.fits_patient(each))
        every = (self._describe_study(finding) for finding in _limited(findings))
        return self._answer(query, every, STUDY_ANSWER)

    def find_series(self, query: Query, study: Study) -> Found:
        series = groupby(study.objects, key=lambda known: known.kind)
        every = (self._describe_series(study, kind, len([*each])) for kind, each in series)
        return self._answer(query, every, SERIES_ANSWER)

    def find_instances(self, query: Query, study: Study, maker: ObjectMaker) -> Found:
        every = map(self._located, maker.describe_all(study))
        return self._answer(query, every, INSTANCE_ANSWER)

    def _answer(self, query: Query, every: Iterator[Dataset], always: tuple[str, ...]) -> Found:
        selected = query.select(every)
        shown = [query.answer(match, always) for match in selected[: query.limit]]
        return Found(shown, more=len(selected) > query.limit)

    def _describe_study(self, finding: SeenSubmission) -> Dataset:
        kinds = [picture.kind for picture in pictures_of(finding)]
        kinds += [Kind.STRUCTURED_REPORT, Kind.REPORT]
        made = _study_level(finding)
        made.ModalitiesInStudy = sorted({SERIES[kind].modality for kind in kinds})
        made.SOPClassesInStudy = sorted({SERIES[kind].sop_class for kind in kinds})
        made.NumberOfStudyRelatedSeries = len(set(kinds))
        made.NumberOfStudyRelatedInstances = len(kinds)
        made.RetrieveURL = self._url(made)
        return made

    def _describe_series(self, study: Study, kind: Kind, count: int) -> Dataset:
        made = _study_level(study.finding)
        made.SeriesInstanceUID = f"{made.StudyInstanceUID}.{kind:d}"
        made.SeriesNumber = int(kind)
        made.Modality = SERIES[kind].modality
        made.SeriesDescription = SERIES[kind].name
        made.NumberOfSeriesRelatedInstances = count
        made.RetrieveURL = self._url(made)
        return made

    def _located(self, made: Dataset) -> Dataset:
        made.InstanceAvailability = "ONLINE"
        made.RetrieveURL = self._url(made)
        return made

    def _url(self, made: Dataset) -> str:
        path = f"{self.address}/dicom/studies/{made.StudyInstanceUID}"
        for place, uid in (("series", "SeriesInstanceUID"), ("instances", "SOPInstanceUID")):
            path += f"/{place}/{made[uid].value}" if uid in made else ""
        return path


def _study_level(finding: SeenSubmission) -> Dataset:
    told = study_of(ObjectSource(finding))
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.InstanceAvailability = "ONLINE"
    made.TimezoneOffsetFromUTC = "+0000"
    made.StudyInstanceUID = study_uid(finding.id)
    for keyword, name in _STUDY_KEYWORDS.items():
        setattr(made, keyword, told[name])
    name_issuer(made, finding.source)
    return made


_STUDY_KEYWORDS = {
    "PatientID": "patient_id",
    "PatientName": "patient_name",
    "PatientBirthDate": "patient_birth_date",
    "PatientSex": "patient_sex",
    "StudyID": "study_id",
    "AccessionNumber": "accession_number",
    "StudyDate": "study_date",
    "StudyTime": "study_time",
    "ReferringPhysicianName": "referring_physician_name",
}


def _limited(findings: Iterable[SeenSubmission]) -> Iterator[SeenSubmission]:
    for place, finding in enumerate(findings):
        if place == MOST_SEARCHED:
            raise TooManyFound(TOO_BROAD)
        yield finding
