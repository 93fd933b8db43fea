"""The facts of a report: all that a narrative may mention, without anything that identifies a
person.
"""

import hashlib
import json
from typing import Annotated, Self

from pydantic import Field

from skinapi.base.languages import Language, LocalizedText
from skinapi.base.stored_record import Frozen, optional
from skinapi.model.bands import (
    OperatingPoint,
    RaisedBy,
    band_of_condition,
    is_raised,
    most_urgent,
    severity_rank,
)
from skinapi.model.calibration import HeldOutFigures
from skinapi.model.conditions import NORMAL_SKIN, Band, BandWords, Condition, conditions_table
from skinapi.model.context import NOTHING_TOLD, Context, Modality, SkinTone
from skinapi.model.detectors import ModalityFinding
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import (
    GRAVER_SHARE,
    Headline,
    NotRuledOut,
    Ranked,
    Restated,
    needs_hundreds,
    probability_of,
)
from skinapi.model.network.picture import Quality

Share = Annotated[float, Field(ge=0, le=1)]


class PictureFacts(Frozen):
    """What one of several pictures alone would have been answered with. `kind` is what it was
    recognised as, or else told to be; `malignant` is the sum over all malignant conditions.
    """

    kind: Modality
    heading: Ranked
    band: Band
    malignant: Share | None = optional()

    @classmethod
    def of(cls, finding: Finding) -> Self:
        kind, modality = Modality.UNKNOWN, finding.modality
        if modality:
            known = modality.recognised is not Modality.UNKNOWN
            kind = modality.recognised if known else modality.told
        headline = finding.headline
        return cls(
            kind=kind, heading=headline.named, band=finding.band, malignant=headline.malignant
        )


class Facts(Frozen):
    """The facts that a narrative may mention.

    If `examined` is false, a caller has stated the class and its probability, and no picture was
    classified: then there are no other probabilities, no malignant score and no model.

    `ranked` holds the probabilities with the patient's facts, `from_picture` those without them, if
    they differ. They decide on what is said; what people read is in `shown`. `mixes` are the shares
    of malignant lesions for which they were calibrated. `modality`, `tested` and `not_ruled_out`
    are missing in old findings.
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
    operating_point: OperatingPoint | None = optional()
    modality: ModalityFinding | None = None
    tested: tuple[HeldOutFigures, ...] = ()
    from_picture: tuple[Ranked, ...] | None = None
    not_ruled_out: tuple[NotRuledOut, ...] = ()
    untested_skin: tuple[SkinTone, ...] = ()
    told_signs: tuple[str, ...] = optional(default=())
    notices: tuple[LocalizedText, ...]
    # Left out where there are none, so that the reports on one picture keep their hashes.
    pictures: tuple[PictureFacts, ...] = optional(default=())
    alone: Ranked | None = optional()
    restated: Restated | None = optional()
    mixes: tuple[Share, ...] = optional(default=())

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
        """Nothing is known about the picture, so the band is at least doctor_review."""
        table = conditions_table()
        asked = {
            RaisedBy.MOST_PROBABLE: band_of_condition(condition, ()),
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
    def shown(self) -> "Facts | Restated":
        """The probabilities that people read."""
        return self.restated or self

    @property
    def shown_confidence(self) -> float:
        """The probability of `stated` that people read."""
        return probability_of(self.shown.ranked, self.stated) if self.examined else self.confidence

    @property
    def most_probable(self) -> str:
        return self.ranked[0].key if self.ranked else self.stated

    @property
    def headline(self) -> Headline:
        """What every view of these facts says first."""
        if not self.examined:
            return Headline.as_stated(Ranked(key=self.stated, probability=self.confidence))
        return Headline.of(
            ranked=self.ranked,
            shown=self.shown.ranked,
            stated=self.stated,
            band=self.band,
            raised_by=self.raised_by,
            uncertain=self.uncertain,
            alone=self.alone,
            shown_alone=self.shown.alone,
            told_signs=self.told_signs,
        )

    @property
    def in_hundreds(self) -> bool:
        """Whether a text for patients counts the probabilities in hundreds: it names those of the
        headline, and that of all cancers.
        """
        headline, malignant = self.headline, conditions_table().malignant_keys
        ranked = [*self.shown.ranked, *(self.shown.from_picture or ())]
        named = {headline.likely.key, headline.named.key}
        entries = [*(entry for entry in ranked if entry.key in named), headline.named]
        said = [(entry.probability, entry.key in malignant) for entry in entries]
        return needs_hundreds([*said, *([(headline.malignant, True)] if self.examined else [])])

    @property
    def described(self) -> Condition | None:
        """The likely condition, where it may be said what that is and how it is treated. Of a
        benign one that is "harmless" and "none is needed", which must stand beside an all-clear
        alone.
        """
        likely = conditions_table().by_key(self.headline.likely.key)
        return likely if likely.malignant or self.all_clear else None

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
        outputs = [entry.key for entry in self.ranked]
        return is_raised(self.band, named=self.stated, outputs=outputs)

    @property
    def as_urgent(self) -> bool:
        """Whether the band is exactly that of the likely condition, and nothing graver is open.
        Only then does the condition's own advice apply, which is for the gravest that it may be.
        """
        headline = self.headline
        own = band_of_condition(headline.likely.key, ())
        return self.band is own and not (self.uncertain or headline.not_ruled_out)

    @property
    def concern(self) -> Condition:
        """Which condition's text on early detection applies: what cannot be ruled out, or else
        what is likely. Where that text would contradict the band, that of the gravest cancer with
        half of the most probable one's probability.
        """
        table, named = conditions_table(), self.headline.named.key
        own = {one.key: one.probability for one in self.ranked}
        malignant = [key for key in own if key in table.malignant_keys]
        if named in malignant or not malignant or self.all_clear:
            return table.by_key(named if named in malignant or self.all_clear else NORMAL_SKIN)
        least = GRAVER_SHARE * own[malignant[0]]
        graver = (key for key in malignant if own[key] >= least)
        return table.by_key(min(graver, key=lambda key: severity_rank(key, own)))

    def band_words(self, language: Language) -> BandWords:
        return conditions_table().band_words(self.band, language, self.headline.suspected)

    def canonical(self) -> bytes:
        """The facts as bytes; equal facts give equal bytes."""
        plain = self.model_dump(mode="json")
        return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()
