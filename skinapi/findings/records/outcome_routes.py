"""The routes of outcomes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from skinapi.accounts.auth.emails import Email
from skinapi.base.errors import NotFound
from skinapi.base.subject import Subject
from skinapi.findings.records.outcome_service import ModelOutcomes, OutcomeCourse, OutcomesService
from skinapi.platform.web.declaration import Routes, Signed, admins
from skinapi.platform.web.schemas import Answer

MOST_MONTHS = 60


class OutcomesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    months: Annotated[int, Field(ge=1, le=MOST_MONTHS)] = Field(
        default=12, description="how many months; this one is the last"
    )


class DoctorsOutcomesQuery(OutcomesQuery):
    doctor: Email | None = None


class OutcomesView(Answer):
    models: dict[str, ModelOutcomes] = Field(description="by the version of the model")
    doctor: OutcomeCourse


routes: Routes[OutcomesService] = Routes("outcomes")


@routes.route(
    "GET", "/outcomes", access=Signed(roles=("doctor",), refusal="Only doctors have outcomes")
)
def show_outcomes(
    outcomes: OutcomesService, *, query: OutcomesQuery, subject: Subject
) -> OutcomesView:
    """What the caller and the model had said, against the laboratory's results.

    Only findings with a result count, and mostly suspicious lesions get one: so these figures are
    not those of all lesions. Of a doctor, the last opinion before the first result counts.
    """
    return OutcomesView(
        models=outcomes.of_models(months=query.months),
        doctor=outcomes.of_doctor(subject.id, months=query.months),
    )


@routes.route(
    "GET",
    "/admin/outcomes",
    access=admins("Only admin can view the outcomes of a doctor"),
    raises=(NotFound,),
)
def show_outcomes_of(outcomes: OutcomesService, *, query: DoctorsOutcomesQuery) -> OutcomesView:
    """The same of a doctor, for an admin. Without one, that of the models alone."""
    return OutcomesView(
        models=outcomes.of_models(months=query.months),
        doctor=outcomes.of_doctor_named(query.doctor, months=query.months),
    )
