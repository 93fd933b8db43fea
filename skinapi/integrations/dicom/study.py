"""A finding as a study of an archive: what there is of it."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

from skinapi.base.errors import NotFound
from skinapi.base.subject import Subject
from skinapi.findings.records.service import NOT_YOURS
from skinapi.findings.records.submission import Submission
from skinapi.integrations.dicom.uids import Kind, ObjectId
from skinapi.model.context import Modality


@dataclass(frozen=True, slots=True)
class Study:
    """A finding as its reader may see it, and what there is of it: `objects`, in the order of their
    series. At `reported_at` its printed report last got to say something else, or got or lost a
    letter.
    `photos_withdrawn`: the patient has withdrawn the consent that photos are kept.
    """

    finding: Submission
    objects: tuple[ObjectId, ...]
    reader: Subject
    reported_at: datetime
    photos_withdrawn: bool = False

    def of_series(self, series: str) -> "Study":
        """The same with the objects of this series alone. Raises NotFound without any."""
        return self._only([one for one in self.objects if one.series == series])

    def of_instance(self, uid: str) -> "Study":
        return self._only([one for one in self.objects if one.uid == uid])

    def _only(self, objects: list[ObjectId]) -> "Study":
        if not objects:
            raise NotFound(NOT_YOURS)
        return replace(self, objects=tuple(objects))


def version_of(finding: Submission) -> int:
    """The number of the structured report: how many reviews there are. Where what counts was said
    about another finding of the spot, one that is of what that says.
    """
    counted, advice = len(finding.stands.counted), finding.replaced_by
    if advice is None:
        return counted
    said = [counted, finding.said_at, advice.finding, advice.band, advice.since, advice.due]
    said += [advice.said_by, advice.waits_for, advice.by_result]
    if decision := advice.decision:
        said += [decision.review, decision.new_picture_wanted]
    digest = hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()
    return int(digest[:12], 16)


def pictures_of(finding: Submission) -> list[ObjectId]:
    """The kept photos of a finding, and their heat maps."""
    kept = [(n, one) for n, one in enumerate(finding.pictures, 1) if one.photo_blob]
    return [
        ObjectId(finding.id, kind, number)
        for number, picture in kept
        for kind in (kind_of(picture), Kind.HEAT_MAP)
    ]


def kind_of(picture: Submission) -> Kind:
    """What was used as dermoscopic alone is dermoscopy; what may be either is a photograph."""
    modality = picture.finding.modality
    dermoscopic = modality is not None and modality.used == (Modality.DERMOSCOPIC,)
    return Kind.DERMOSCOPY if dermoscopic else Kind.PHOTO
