"""The versions of a finding. Its photo may be judged more than once: with a corrected fact, or by
another model. The newest version counts; the earlier ones are its history.
"""

from collections.abc import Mapping
from datetime import datetime

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.model.finding import Finding

MOST_VERSIONS = 20


class JudgedVersion(StoredRecord):
    """Which version asks for which urgency, and since when."""

    version: int = 1
    band: Band
    judged_at: datetime


class EarlierVersion(JudgedVersion):
    """A version that another one has followed, as it was told then. `judged_by` is the account that
    had the photo judged, None of the first version; `corrected` are the fields of `context` in
    which it differs from the version before.
    """

    judged_by: str | None = None
    corrected: tuple[str, ...] = optional(default=())
    finding: Finding
    context: Context
    sections: dict[str, str]
    narrative_source: Mapping[str, str | None]
