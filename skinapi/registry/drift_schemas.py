"""The query and the answer of drift: the model by week, and what has changed."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.registry.drift import AlertView, MeasureTestView
from skinapi.registry.drift_counts import MOST_WEEKS, WeekCounts, first_day
from skinapi.storage.ports import Document
from skinapi.vision.conditions import Band, conditions_table
from skinapi.vision.finding.finding import Doubt
from skinapi.web.schemas import Answer


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
