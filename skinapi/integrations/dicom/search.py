"""What QIDO-RS answers of studies, series and instances."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pydicom.dataset import Dataset

from skinapi.base.errors import TooManyFound
from skinapi.base.subject import Subject
from skinapi.findings.records.submission import Submission
from skinapi.integrations.dicom.object_maker import ObjectMaker
from skinapi.integrations.dicom.objects import (
    MODALITIES,
    SERIES_NAMES,
    SOP_CLASSES,
    ObjectSource,
    name_issuer,
    study_of,
)
from skinapi.integrations.dicom.queries import (
    INSTANCE_ANSWER,
    SERIES_ANSWER,
    SEVERAL,
    STUDY_ANSWER,
    Query,
)
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Study, pictures_of
from skinapi.integrations.dicom.uids import Kind, study_uid

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
    """`address` is the server's own, for the addresses in answers."""

    studies: StudiesService
    address: str

    def find_studies(self, query: Query, *, to: Subject) -> Found:
        """Raises TooManyFound where the query is too broad."""
        first, end = query.ids
        asked = query.keys.get("StudyInstanceUID")
        if asked:
            each = self.studies.find_each(SEVERAL.split(asked), to=to)
            found: Iterable[Submission] = (one for one in each if first <= one.id < end)
        else:
            found = self.studies.findings.walk_filed(
                to=to, patient=query.patient, first=first, end=end
            )
        found = (one for one in found if query.fits_patient(*_patient_ids(one)))
        every = (self._describe_study(one) for one in _limited(found))
        return self._answer(query, every, STUDY_ANSWER)

    def find_series(self, query: Query, study: Study) -> Found:
        series = groupby(study.objects, key=lambda one: one.kind)
        every = (self._describe_series(study, kind, len([*each])) for kind, each in series)
        return self._answer(query, every, SERIES_ANSWER)

    def find_instances(self, query: Query, study: Study, maker: ObjectMaker) -> Found:
        every = (self._located(one) for one in maker.describe_all(study))
        return self._answer(query, every, INSTANCE_ANSWER)

    def _answer(self, query: Query, every: Iterator[Dataset], always: tuple[str, ...]) -> Found:
        found = query.select(every)
        shown = [query.answer(one, always) for one in found[: query.limit]]
        return Found(shown, more=len(found) > query.limit)

    def _describe_study(self, finding: Submission) -> Dataset:
        kinds = [one.kind for one in pictures_of(finding)]
        kinds += [Kind.STRUCTURED_REPORT, Kind.REPORT]
        made = _study_level(finding)
        made.ModalitiesInStudy = sorted({MODALITIES[kind] for kind in kinds})
        made.SOPClassesInStudy = sorted({SOP_CLASSES[kind] for kind in kinds})
        made.NumberOfStudyRelatedSeries = len(set(kinds))
        made.NumberOfStudyRelatedInstances = len(kinds)
        made.RetrieveURL = self._url(made)
        return made

    def _describe_series(self, study: Study, kind: Kind, count: int) -> Dataset:
        made = _study_level(study.finding)
        made.SeriesInstanceUID = f"{made.StudyInstanceUID}.{kind:d}"
        made.SeriesNumber = int(kind)
        made.Modality = MODALITIES[kind]
        made.SeriesDescription = SERIES_NAMES[kind]
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


def _study_level(finding: Submission) -> Dataset:
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


def _patient_ids(finding: Submission) -> list[str]:
    """The number that the sender's own object had, and the id of the account."""
    return [finding.owner, *([finding.source.patient_id] if finding.source else [])]


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


def _limited(found: Iterable[Submission]) -> Iterator[Submission]:
    for place, one in enumerate(found):
        if place == MOST_SEARCHED:
            raise TooManyFound(TOO_BROAD)
        yield one
