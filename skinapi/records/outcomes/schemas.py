"""The answer schemas of outcomes."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.auth.accounts.emails import Email
from skinapi.records.outcomes.figures import FiguresAtPoint, OutcomeFigures
from skinapi.records.outcomes.service import Course
from skinapi.web.schemas.schema_types import Answer

MOST_MONTHS = 60


class OutcomesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = Field(
        default=12, description="how many months; this one is the last"
    )


class DoctorsOutcomesQuery(OutcomesQuery):
    doctor: Email | None = None


class MonthOfOutcomes(OutcomeFigures):
    month: str = Field(description="of the result, as 2026-11")


class OutcomeCourse(OutcomeFigures):
    months: list[MonthOfOutcomes] = Field(description="those with results, oldest first")

    @classmethod
    def over(cls, course: Course) -> Self:
        months = [MonthOfOutcomes(month=month, **dict(figures)) for month, figures in course.months]
        return cls(**dict(course.whole), months=months)


class ModelOutcomes(OutcomeCourse):
    points: list[FiguresAtPoint] = Field(
        description="by the operating point at which a finding was made, and the kind of pictures"
    )

    @classmethod
    def over(cls, course: Course) -> Self:
        return cls(**dict(OutcomeCourse.over(course)), points=course.points)


class OutcomesView(Answer):
    models: dict[str, ModelOutcomes] = Field(description="by the version of the model")
    doctor: OutcomeCourse

    @classmethod
    def over(cls, models: dict[str, Course], doctor: Course) -> Self:
        views = {version: ModelOutcomes.over(course) for version, course in models.items()}
        return cls(models=views, doctor=OutcomeCourse.over(doctor))
