"""The answer to a study that was sent (Store Instances Response), as DICOM's JSON.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_I.2
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skinapi.findings.records.submission import Submission
from skinapi.integrations.dicom.errors import Failure
from skinapi.integrations.dicom.uids import study_uid

DICOM_JSON = "application/dicom+json"
_SOP_CLASS, _SOP_INSTANCE = "00081150", "00081155"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"
_FAILURE_REASON, _RETRIEVE_URL = "00081197", "00081190"
# No attribute of the answer is for a sentence: this is a text without a limit.
_TEXT = "0040A160"
Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of one part of the body: a finding, or `failure` with its sentence. The UIDs are
    None where the part could not be read.
    """

    sop_class: str | None = None
    sop_instance: str | None = None
    finding: Submission | None = None
    failure: Failure | None = None
    sentence: str = ""


def status_of(received: Sequence[Received]) -> int:
    """200 where all was taken, 202 where a part was, 409 where nothing was."""
    taken = sum(one.failure is None for one in received)
    return 200 if taken == len(received) else 202 if taken else 409


def write_answer(received: Sequence[Received], *, address: str) -> Item:
    """Each object that was taken names the study that its finding is."""
    sequences: dict[str, list[Item]] = {_REFERENCED: [], _FAILED: [], _OTHER_FAILURES: []}
    for one in received:
        uids = {_SOP_CLASS: one.sop_class, _SOP_INSTANCE: one.sop_instance}
        item = {tag: _value("UI", uid) for tag, uid in uids.items() if uid}
        if one.finding:
            link = f"{address}/dicom/studies/{study_uid(one.finding.id)}"
            sequences[_REFERENCED].append({**item, _RETRIEVE_URL: _value("UR", link)})
        elif one.failure:
            said = {
                _FAILURE_REASON: _value("US", int(one.failure)),
                _TEXT: _value("UT", one.sentence),
            }
            sequences[_FAILED if item else _OTHER_FAILURES].append({**item, **said})
    return {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}


def _value(kind: str, value: str | int) -> Item:
    return {"vr": kind, "Value": [value]}
