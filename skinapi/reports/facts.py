"""The facts of a report: all that a narrative may mention, without anything that identifies a
person.
"""

import hashlib
import json
from typing import Annotated, Self

from pydantic import Field

from skinapi.languages import Language, Said
from skinapi.vision.bands import OperatingPoint, RaisedBy, is_raised, most_urgent, severity_rank
from skinapi.vision.calibration.modality import ModalityFinding
from skinapi.vision.calibration.model_calibration import HeldOutFigures
from skinapi.vision.conditions import (
    NORMAL_SKIN,
    Band,
    BandWords,
    Condition,
    Frozen,
    conditions_table,
)
from skinapi.vision.context import NOTHING_TOLD, Context, Modality, SkinTone
from skinapi.vision.finding.finding import (
    Doubt,
    Finding,
    NotRuledOut,
    Ranked,
    choose_heading,
)
from skinapi.vision.measures.quality import Quality

Share = Annotated[float, Field(ge=0, le=1)]
# Rules about one condition: each has that condition's key as its value.
CONDITION_RULES = (
    RaisedBy.MELANOMA,
    RaisedBy.SQUAMOUS_CELL_CARCINOMA,
    RaisedBy.BASAL_CELL_CARCINOMA,
    RaisedBy.ACTINIC_KERATOSIS,
)


class PictureFacts(Frozen):
    """What one of several pictures alone would have been answered with. `kind` is what it was
    recognised as, or else told to be.
    """

    kind: Modality
    heading: Ranked
    band: Band

    @classmethod
    def of(cls, finding: Finding) -> Self:
        kind, modality = Modality.UNKNOWN, finding.modality
        if modality:
            known = modality.recognised is not Modality.UNKNOWN
            kind = modality.recognised if known else modality.told
        return cls(kind=kind, heading=finding.heading, band=finding.band)


class Facts(Frozen):
    """The facts that a narrative may mention.

    If `examined` is false, a caller has stated the class and its probability, and no picture was
    classified: then there are no other probabilities, no malignant score and no model.

    `ranked` holds the probabilities with the patient's facts, `from_picture` those without them, if
    they differ. `modality`, `tested` and `not_ruled_out` are missing in old findings.
    """

    examined: bool
    stated: str
    confidence: Share
    ranked: tuple[Ranked, ...] = ()
    malignant_score: Share | None = None
    band: Band
    raised_by: tuple[RaisedBy, ...]
    uncertain: bool = False
    reasons: tuple[Doubt, ...] = ()
    not_dermoscopic: bool
    quality: Quality | None = None
    checklist_score: int | None = None
    context: Context = NOTHING_TOLD
    model_version: str | None = None
    operating_point: OperatingPoint | None = Field(
        default=None, exclude_if=lambda point: point is None
    )
    modality: ModalityFinding | None = None
    tested: tuple[HeldOutFigures, ...] = ()
    from_picture: tuple[Ranked, ...] | None = None
    not_ruled_out: tuple[NotRuledOut, ...] = ()
    untested_skin: tuple[SkinTone, ...] = ()
    notices: tuple[Said, ...]
    # Left out where there are none, so that the reports on one picture keep their hashes.
    pictures: tuple[PictureFacts, ...] = Field(default=(), exclude_if=lambda each: not each)
    alone: Ranked | None = Field(default=None, exclude_if=lambda alone: alone is None)

    @classmethod
    def of(cls, finding: Finding, context: Context) -> Self:
        own = cls.model_fields.keys() - {"examined", "context", "pictures"}
        return cls(
            examined=True,
            context=context,
            pictures=tuple(map(PictureFacts.of, finding.pictures)),
            **{name: getattr(finding, name) for name in own},
        )

    @classmethod
    def as_stated(cls, *, condition: str, confidence: float) -> Self:
        """The facts of a finding that a caller states. Nothing is known about the picture, so the
        band is at least doctor_review.
        """
        table = conditions_table()
        asked = {
            RaisedBy.MOST_PROBABLE: table.by_key(condition).urgency,
            RaisedBy.NOT_EXAMINED: Band.DOCTOR_REVIEW,
        }
        band = most_urgent(*asked.values())
        return cls(
            examined=False,
            stated=condition,
            confidence=confidence,
            band=band,
            raised_by=tuple(rule for rule, wanted in asked.items() if wanted is band),
            not_dermoscopic=True,
            notices=(table.notices.information_only,),
        )

    @property
    def most_probable(self) -> str:
        return self.ranked[0].key if self.ranked else self.stated

    @property
    def heading(self) -> Ranked:
        """The condition for a client that shows one alone: see `choose_heading`."""
        if not self.examined:
            return Ranked(key=self.stated, probability=self.confidence)
        return self.alone or choose_heading(self.ranked, self.stated, self.band, self.raised_by)

    @property
    def named_by_rule(self) -> bool:
        """Whether the naming rule has preferred a rarer condition to the most probable one."""
        return self.examined and not self.uncertain and self.stated != self.most_probable

    @property
    def may_describe(self) -> bool:
        """Whether it may be said what the stated condition is and how it is treated. Of a benign
        one that is "harmless" and "none is needed", which must stand beside an all-clear alone.
        """
        return conditions_table().by_key(self.stated).malignant or self.all_clear

    @property
    def all_clear(self) -> bool:
        """Whether a client may show the finding as harmless: it is certain, the stated condition
        is benign, and the band is no more urgent than that condition alone asks for.
        """
        malignant = conditions_table().by_key(self.stated).malignant
        return not (malignant or self.uncertain or self.more_urgent)

    @property
    def more_urgent(self) -> bool:
        """Whether the band is more urgent than the stated condition alone would require."""
        return is_raised(self.band, named=self.stated)

    @property
    def as_urgent(self) -> bool:
        """Whether the band is exactly that of the stated condition and the finding is certain. Only
        then does the condition's own advice apply.
        """
        own = conditions_table().by_key(self.stated).urgency
        return self.band is own and not self.uncertain

    @property
    def concern(self) -> Condition:
        """The condition that explains the urgency; the report uses its text on early detection.

        If the band is more urgent than the stated condition, that condition's text would contradict
        the band, so the condition behind the band is used. If there is none, normal skin is used:
        its text says that the result is no all-clear. What one picture alone is headed with may be
        graver.
        """
        table = conditions_table()
        explained = self._explained if self.more_urgent else self.stated
        graver = [self.alone.key] if self.alone else []
        return table.by_key(min([explained, *graver], key=severity_rank))

    @property
    def _explained(self) -> str:
        rules = [rule.value for rule in CONDITION_RULES if rule in self.raised_by]
        malignant = conditions_table().malignant_keys
        ranked = [entry.key for entry in self.ranked if entry.key in malignant]
        return next(iter([*rules, *ranked]), NORMAL_SKIN)

    def band_words(self, language: Language) -> BandWords:
        return conditions_table().band_words(self.band, language)

    def canonical(self) -> bytes:
        """The facts as bytes; equal facts give equal bytes."""
        plain = self.model_dump(mode="json")
        return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()
