"""The answer schemas of the conditions table, of operating points and of drift."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.base.values import wilson_interval
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, PointFigures
from skinapi.model.conditions import (
    Band,
    BandEntry,
    Checklist,
    Condition,
    ConditionsTable,
    Notices,
    ReviewLabel,
    Source,
    conditions_table,
)
from skinapi.model.finding import Doubt
from skinapi.model.network.model import Model
from skinapi.model.registry.card_figures import find_figure_at_point
from skinapi.model.registry.drift import AlertView, MeasureTestView
from skinapi.model.registry.drift_counts import MOST_WEEKS, WeekCounts, first_day
from skinapi.model.registry.gates import Figure
from skinapi.model.registry.service import ChosenPoint
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.schemas import Answer, Body

# The share with this name, where the card states it.
StatedFigure = Callable[[str], Figure | None]


class ConditionView(Answer):
    key: str
    names: dict[str, str | None]
    severity: str
    malignant: bool
    urgency: str
    codes: dict[str, list[str]]
    code_relation: str = Field(description="how the codes relate to a bundle of diseases")
    sentences: dict[str, dict[str, str]]
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, condition: Condition, for_clients: Mapping[str, str | None]) -> Self:
        plain: dict[str, Any] = condition.model_dump(mode="json", exclude={"sources"})
        plain["names"] |= {"angular": condition.api_name, **for_clients}
        shown = {name: plain[name] for name in cls.model_fields if name in plain}
        return cls(**shown, code_relation=condition.code_relation, sources=condition.sources)


class ConditionsView(Answer):
    notice: str
    conditions: list[ConditionView]
    review_only: tuple[ReviewLabel, ...] = Field(
        description="what a doctor may name besides in a review, and no model states"
    )
    bands: tuple[BandEntry, ...]
    notices: Notices
    checklist: Checklist

    @classmethod
    def of(
        cls, table: ConditionsTable, for_clients: Mapping[str, Mapping[str, str | None]]
    ) -> Self:
        return cls(
            notice=table.notices.information_only.en,
            conditions=[
                ConditionView.of(condition, for_clients.get(condition.key, {}))
                for condition in table.conditions
            ],
            review_only=table.review_only,
            bands=table.bands,
            notices=table.notices,
            checklist=table.checklist,
        )


Kind = Literal["dermoscopic", "clinical"]


class NewOperatingPoint(Body):
    operating_point: Annotated[OperatingPoint, Field(strict=False)]


class Share(Answer):
    """A share with its 95 % interval: the card's, else Wilson's of the count."""

    share: float
    low: float
    high: float

    @classmethod
    def of(cls, part: int, whole: int, stated: Figure | None = None) -> Self | None:
        """None of nothing. The card counts two lesions of one patient as one observation, which
        the counts do not tell: so `stated` goes first, and each page shows the same interval.
        """
        if not whole:
            return None
        if stated and math.isclose(stated.value, part / whole):
            return cls(share=part / whole, low=stated.low, high=stated.high)
        low, high = wilson_interval(part / whole, whole)
        return cls(share=part / whole, low=low, high=high)


class KindView(Answer):
    """Counted in lesions on the test part. `sent`: to a doctor; `urgent`: to see one this week."""

    modality: Kind
    malignant: int
    malignant_sent: int
    malignant_urgent: int
    benign: int
    benign_sent: int
    benign_urgent: int
    melanomas: int
    melanomas_sent: int
    melanomas_urgent: int
    malignant_sent_share: Share | None = Field(
        description="of the malignant lesions, those sent to a doctor; with a 95 % interval, as "
        "each share; null where nothing was counted"
    )
    malignant_urgent_share: Share | None
    benign_spared_share: Share | None = Field(description="not sent to a doctor")
    benign_urgent_share: Share | None
    urgent_malignant_share: Share | None = Field(
        description="of the lesions told urgent, the malignant ones; that depends on how many "
        "malignant lesions there are"
    )
    melanomas_sent_share: Share | None
    melanomas_urgent_share: Share | None

    @classmethod
    def of_figures(cls, modality: Kind, one: PointFigures, stated: StatedFigure) -> Self:
        return cls(
            **one.model_dump(),
            modality=modality,
            malignant_sent_share=Share.of(one.malignant_sent, one.malignant, stated("caught")),
            malignant_urgent_share=Share.of(one.malignant_urgent, one.malignant),
            benign_spared_share=Share.of(
                one.benign - one.benign_sent, one.benign, stated("benign_below")
            ),
            benign_urgent_share=Share.of(
                one.benign_urgent, one.benign, stated("benign_told_urgent")
            ),
            urgent_malignant_share=Share.of(
                one.malignant_urgent,
                one.malignant_urgent + one.benign_urgent,
                stated("urgent_right"),
            ),
            melanomas_sent_share=Share.of(one.melanomas_sent, one.melanomas),
            melanomas_urgent_share=Share.of(
                one.melanomas_urgent, one.melanomas, stated("melanomas_told_urgent")
            ),
        )


class PointView(Answer):
    point: OperatingPoint
    kinds: list[KindView] = Field(
        description="for each kind of picture; none where the model comes without such figures"
    )

    @classmethod
    def of(cls, point: OperatingPoint, model: Model) -> Self:
        calibrations: dict[Kind, Calibration | None] = {
            "dermoscopic": model.calibration.dermoscopic,
            "clinical": model.calibration.clinical,
        }
        return cls(
            point=point,
            kinds=[
                KindView.of_figures(
                    modality,
                    calibration.point_figures[point],
                    partial(find_figure_at_point, model.card.figures, point, modality),
                )
                for modality, calibration in calibrations.items()
                if calibration and point in calibration.point_figures
            ],
        )


class OperatingPointView(Answer):
    operating_point: OperatingPoint = Field(description="the one that is chosen")
    chosen_by: Literal["setting", "admin"] = Field(
        description="`setting`: TRIAGE, because no admin has chosen one"
    )
    has_points: bool = Field(
        description="whether the model in service has thresholds for operating points; one that "
        "was calibrated by older code has none, and judges by the older rule at every point"
    )
    model_version: str = Field(description="the model in service")
    points: list[PointView] = Field(description="what each costs, the most cautious first")

    @classmethod
    def of(cls, chosen: ChosenPoint) -> Self:
        calibration = chosen.model.calibration
        return cls(
            operating_point=chosen.point,
            chosen_by="admin" if chosen.by_admin else "setting",
            has_points=calibration.has_points,
            model_version=chosen.model.version,
            points=[PointView.of(point, chosen.model) for point in OperatingPoint],
        )


class DriftQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    weeks: Annotated[int, Field(ge=1, le=MOST_WEEKS)] = Field(
        default=26, description="how many ISO weeks; this one is the last"
    )


class WeekFigures(Answer):
    """What happened in one week (UTC). Deleting something later changes none of it."""

    findings: int = Field(description="photos that were judged, for whomever")
    refused: int = Field(description="photos that nobody could judge")
    uncertain: int = Field(description="findings with a doubt")
    classes: dict[str, int] = Field(description="findings by the most probable condition")
    bands: dict[Band, int] = Field(description="findings by risk band")
    mean_confidence: float | None = Field(
        description="the mean probability of the most probable condition; null without findings"
    )
    doubts: dict[Doubt, int] = Field(description="by reason; a finding may have several")
    reviews: int = Field(description="signed in this week, whenever the finding was made")
    disagreements: int = Field(description="reviews that disagree with the finding")

    @classmethod
    def of(cls, rows: Sequence[Document], **fields: object) -> Self:
        counts = WeekCounts.of(rows)
        return cls.model_validate(
            {
                **counts.model_dump(exclude={"confidence_sum"}),
                "classes": {k: counts.classes.get(k, 0) for k in conditions_table().keys},
                "bands": {band: counts.bands.get(band, 0) for band in Band},
                "doubts": {doubt: counts.doubts.get(doubt, 0) for doubt in Doubt},
                "mean_confidence": counts.mean_confidence,
                **fields,
            }
        )


class FiguresOfVersion(WeekFigures):
    model_version: str


class DriftWeek(WeekFigures):
    week: str = Field(description="ISO week, such as 2026-W46")
    starts: date = Field(description="its Monday")
    versions: list[FiguresOfVersion] = Field(description="the same by model version")

    @classmethod
    def of_week(cls, week: str, rows: Sequence[Document]) -> Self:
        versions = [FiguresOfVersion.of([row], model_version=row["version"]) for row in rows]
        return cls.of(rows, week=week, starts=first_day(week), versions=versions)


class DriftView(Answer):
    weeks: list[DriftWeek] = Field(description="oldest first, with the weeks without any photo")
    alerts: list[AlertView] = Field(description="what has changed for the model in service")
    tests: list[MeasureTestView] = Field(description="how far each measure's test is")
    alpha: float = Field(
        description="of each test: the probability of any false alarm in the life of a version"
    )
