from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    create_model,
    model_validator,
)

from skinapi.model.conditions import conditions_table
from skinapi.model.context import TOLD, Context, Modality, age_band_of
from skinapi.model.told_facts import Question, base_of
from skinapi.platform.web.schemas import Body, ContractForm

# The value of `checklist` if the patient was asked and denied every item. Leaving the field out
# means that the patient was not asked.
ALL_DENIED = "none"
SubmittedModel = TypeVar("SubmittedModel", bound=BaseModel)


def _to_number(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _split_items(sent: Any) -> Any:
    """`none` alone becomes an empty tuple. Commas alone become None: they answer nothing."""
    if not isinstance(sent, list):
        return sent
    if not sent:  # as an answer says that all were denied
        return ()
    items = [item.strip() for text in sent for item in str(text).split(",")]
    told = tuple(item for item in items if item)
    return () if told == (ALL_DENIED,) else told or None


def _known_items(ticked: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if ticked and ALL_DENIED in ticked:
        raise ValueError(f"{ALL_DENIED} stands alone")
    known = [item.key for item in conditions_table().checklist.items]
    if not set(ticked or ()) <= set(known):
        raise ValueError(f"the items are {', '.join(known)}, or {ALL_DENIED}")
    return ticked


def _add_facts(cls: type[SubmittedModel]) -> type[SubmittedModel]:
    order = get_args(Question)
    fields: dict[str, Any] = {
        name: (
            Annotated[field.annotation, *field.metadata, *_list_validators(field.annotation)],
            Field(default=None, description=fact.description),
        )
        for name, fact in sorted(TOLD.items(), key=lambda item: order.index(item[1].question))
        for field in [Context.model_fields[name]]
        if field.default is None
    }
    return create_model(cls.__name__, __base__=cls, __module__=cls.__module__, **fields)


def _list_validators(annotation: Any) -> tuple[Any, ...]:
    if base_of(annotation) is int:
        return (BeforeValidator(_to_number),)
    if base_of(annotation) is tuple:
        return BeforeValidator(_split_items), AfterValidator(_known_items)
    return ()


@_add_facts
class SubmittedFacts(BaseModel):
    @model_validator(mode="after")
    def _refuse_two_ages(self) -> Self:
        told = dict(self)
        if told["age"] is not None and told["age_band"] not in (None, age_band_of(told["age"])):
            raise ValueError("age is not within age_band")
        return self


class ContextForm(SubmittedFacts, ContractForm):
    modality: Modality = Modality.UNKNOWN

    def context(self) -> Context:
        return Context.model_validate(self.model_dump(include=set(Context.model_fields)))


class CorrectedFacts(SubmittedFacts, Body):
    """What is to be said from now on: a fact that is left out stays, and null takes it back. `age`
    and `age_band` are one fact. `body_laterality` and `body_side` were told of the `body_site`: a
    correction to another site takes them back, unless it tells them anew. `checklist`: null means
    that it was not asked; `[]`, like `none`, that every item was denied.
    """

    modality: Modality | None = None
    version: int | None = Field(
        default=None,
        description="the `version` of the finding that is corrected: where another one counts by "
        "now, nothing is (`changed_meanwhile`). Only of a finding that has one version it may be "
        "left out (`version_missing`)",
    )

    @property
    def told(self) -> dict[str, Any]:
        sent = self.model_fields_set - {"version"}
        return {name: getattr(self, name) for name in sent}
