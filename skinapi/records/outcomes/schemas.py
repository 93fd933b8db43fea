"""The answer schemas of outcomes."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from skinapi.auth.accounts.emails import Email
from skinapi.records.outcomes.figures import Figure, Figures
from skinapi.records.outcomes.service import Course
from skinapi.web.schemas.schema_types import Answer

MOST_MONTHS = 60


class OutcomesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = Field(
        default=12, description="how many months; this one is the last"
    )


class DoctorsOutcomesQuery(OutcomesQuery):
    doctor: Email


class FigureView(Answer):
    """A share, or kappa, with its 95 % interval; null where there are too few results."""

    value: float | None
    low: float | None
    high: float | None
    n: int = Field(description="how many results it is of")

    @classmethod
    def of(cls, figure: Figure) -> Self:
        return cls(**figure._asdict())


class OutcomeFigures(Answer):
    """`named_…`: a cancer, or what may become one, was named. `sent_…`: a doctor was advised."""

    results: int = Field(description="findings with the laboratory's result")
    malignant: int = Field(description="of these, a cancer or what may become one")
    named_sensitivity: FigureView
    named_specificity: FigureView
    sent_sensitivity: FigureView
    sent_specificity: FigureView
    kappa: FigureView = Field(description="Cohen's, of the conditions")

    @classmethod
    def of(cls, figures: Figures) -> Self:
        told = figures._asdict()
        return cls(
            results=told.pop("results"),
            malignant=told.pop("malignant"),
            **{name: FigureView.of(figure) for name, figure in told.items()},
        )


class MonthOfOutcomes(OutcomeFigures):
    month: str = Field(description="of the result, as 2026-11")


class OutcomeCourse(OutcomeFigures):
    months: list[MonthOfOutcomes] = Field(description="those with results, oldest first")

    @classmethod
    def over(cls, course: Course) -> Self:
        months = [
            MonthOfOutcomes(month=month, **dict(OutcomeFigures.of(figures)))
            for month, figures in course.months
        ]
        return cls(**dict(OutcomeFigures.of(course.whole)), months=months)


class OutcomesView(Answer):
    models: dict[str, OutcomeCourse] = Field(description="by the version of the model")
    doctor: OutcomeCourse

    @classmethod
    def over(cls, models: dict[str, Course], doctor: Course) -> Self:
        views = {version: OutcomeCourse.over(course) for version, course in models.items()}
        return cls(models=views, doctor=OutcomeCourse.over(doctor))
