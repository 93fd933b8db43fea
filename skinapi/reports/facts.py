"""The facts of a report: all that a narrative may speak of, and nothing that names a person."""

import hashlib
import json
from typing import Self

from skinapi.vision.bands import RaisedBy, most_urgent
from skinapi.vision.conditions import Band, Frozen, Said, conditions_table
from skinapi.vision.context import Context
from skinapi.vision.finding import Doubt, Finding, Ranked
from skinapi.vision.quality import Quality

UNKNOWN = Context()


class Facts(Frozen):
    """Where `examined` is false a caller has named the class and its share, and no picture was
    looked at: there are no other probabilities then, no malignant score and no model.
    """

    examined: bool
    stated: str
    confidence: float
    ranked: tuple[Ranked, ...] = ()
    malignant_score: float | None = None
    band: Band
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool = False
    reasons: tuple[Doubt, ...] = ()
    not_dermoscopic: bool
    quality: Quality | None = None
    checklist_score: int | None = None
    context: Context = UNKNOWN
    model_version: str | None = None
    notices: tuple[Said, ...]

    @classmethod
    def of(cls, finding: Finding, context: Context) -> Self:
        return cls(
            examined=True,
            stated=finding.stated,
            confidence=finding.confidence,
            ranked=finding.ranked,
            malignant_score=finding.malignant_score,
            band=finding.band,
            raised_by=finding.raised_by,
            uncertain=finding.uncertain,
            reasons=finding.reasons,
            not_dermoscopic=finding.not_dermoscopic,
            quality=finding.quality,
            checklist_score=finding.checklist_score,
            context=context,
            model_version=finding.model_version,
            notices=finding.notices,
        )

    @classmethod
    def as_stated(cls, *, condition: str, confidence: float) -> Self:
        """What a caller says was found. Nothing is known of the picture, so a doctor looks."""
        table = conditions_table()
        asked = {
            RaisedBy.MOST_PROBABLE: table.by_key(condition).urgency,
            RaisedBy.NOT_DERMOSCOPIC: Band.DOCTOR_REVIEW,
        }
        band = most_urgent(*asked.values())
        return cls(
            examined=False,
            stated=condition,
            confidence=confidence,
            band=band,
            raised_by=tuple(rule for rule, wanted in asked.items() if wanted is band),
            not_dermoscopic=True,
            notices=(table.notices.information_only, table.notices.not_dermoscopic),
        )

    def canonical(self) -> bytes:
        """The same facts are the same bytes."""
        plain = self.model_dump(mode="json")
        return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()
