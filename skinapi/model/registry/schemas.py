import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from skinapi.base.languages import LocalizedText
from skinapi.base.values import finite_number, wilson_interval
from skinapi.model.bands import OperatingPoint
from skinapi.model.calibration import Calibration, PointFigures
from skinapi.model.conditions import (
    BandEntry,
    Checklist,
    Condition,
    ConditionsTable,
    HeadlineNames,
    PictureKind,
    ReviewLabel,
    Source,
)
from skinapi.model.network.model import Model
from skinapi.platform.web.schemas import Answer, Body

# A share with its interval, as in the card.
Stated = tuple[float, float, float]
# Of what a doctor has decided; the last one stands for a condition.
TITLES = ("title", "opinion", "unconfirmed", "suspected", "result", "asked", "unnamed")
StatedFigure = Callable[[str], Stated | None]


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
    def from_condition(cls, condition: Condition, for_clients: Mapping[str, str | None]) -> Self:
        plain: dict[str, Any] = condition.model_dump(mode="json", exclude={"sources"})
        plain["names"] |= {"angular": condition.api_name, **for_clients}
        shown = {name: plain[name] for name in cls.model_fields if name in plain}
        return cls(**shown, code_relation=condition.code_relation, sources=condition.sources)


class NoticesView(Answer):
    """Sentences beside which a browser shows what answers do not repeat."""

    names: Mapping[str, HeadlineNames] = Field(description="of conditions, for each reader")
    titles: Mapping[str, LocalizedText] = Field(
        description="by the `title_key` of a decision; `unnamed` stands for a condition"
    )
    doubts: tuple[LocalizedText, ...]
    kinds: Mapping[str, PictureKind] = Field(description="by the kind of picture")
    tested: LocalizedText
    about_model: tuple[LocalizedText, ...]

    @classmethod
    def from_table(cls, table: ConditionsTable) -> Self:
        notices, decision = table.notices, table.notices.decision
        return cls(
            names=notices.headline.names,
            titles={name: getattr(decision, name) for name in TITLES},
            doubts=(notices.uncertain, notices.strange, notices.disagree, notices.not_surely_skin),
            kinds=notices.kinds,
            tested=notices.tested,
            about_model=notices.about_model,
        )


class ConditionsView(Answer):
    notice: str
    conditions: list[ConditionView]
    review_only: tuple[ReviewLabel, ...] = Field(
        description="what a doctor may name besides in a review, and no model states"
    )
    bands: tuple[BandEntry, ...]
    notices: NoticesView
    checklist: Checklist

    @classmethod
    def from_table(
        cls, table: ConditionsTable, for_clients: Mapping[str, Mapping[str, str | None]]
    ) -> Self:
        return cls(
            notice=table.notices.information_only.en,
            conditions=[
                ConditionView.from_condition(condition, for_clients.get(condition.key, {}))
                for condition in table.conditions
            ],
            review_only=table.review_only,
            bands=table.bands,
            notices=NoticesView.from_table(table),
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
    def from_counts(cls, part: int, whole: int, stated: Stated | None = None) -> Self | None:
        """None if `whole` is zero. `stated` takes precedence, so that all pages show the same
        interval: the card counts two lesions of one patient as one observation, which the counts
        cannot.
        """
        if not whole:
            return None
        if stated and math.isclose(stated[0], part / whole):
            low, high = stated[1:]
        else:
            low, high = wilson_interval(part / whole, whole)
        return cls(share=part / whole, low=low, high=high)


def find_stated(figures: Any, point: str, kind: str, name: str) -> Stated | None:
    """The card may be somebody else's, so any figure may be missing or not a number."""
    for step in ("test", "points", point, kind):
        figures = figures.get(step) if isinstance(figures, Mapping) else None
    if not isinstance(figures, Mapping):
        return None
    ends = figures.get(f"{name}_interval")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    share, low, high = map(finite_number, (figures.get(name), *ends))
    return None if share is None or low is None or high is None else (share, low, high)


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
    benign_spared_share: Share | None = Field(description="not sent to a doctor")
    benign_urgent_share: Share | None
    urgent_malignant_share: Share | None = Field(
        description="of the lesions told urgent, the malignant ones; that depends on how many "
        "malignant lesions there are"
    )
    melanomas_sent_share: Share | None

    @classmethod
    def of_figures(cls, modality: Kind, one: PointFigures, stated: StatedFigure) -> Self:
        return cls(
            **one.model_dump(),
            modality=modality,
            malignant_sent_share=Share.from_counts(
                one.malignant_sent, one.malignant, stated("caught")
            ),
            benign_spared_share=Share.from_counts(
                one.benign - one.benign_sent, one.benign, stated("benign_below")
            ),
            benign_urgent_share=Share.from_counts(
                one.benign_urgent, one.benign, stated("benign_told_urgent")
            ),
            urgent_malignant_share=Share.from_counts(
                one.malignant_urgent,
                one.malignant_urgent + one.benign_urgent,
                stated("urgent_right"),
            ),
            melanomas_sent_share=Share.from_counts(one.melanomas_sent, one.melanomas),
        )


class PointView(Answer):
    point: OperatingPoint
    kinds: list[KindView] = Field(
        description="for each kind of picture; none where the model comes without such figures"
    )

    @classmethod
    def from_point(cls, point: OperatingPoint, model: Model) -> Self:
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
                    partial(find_stated, model.card.figures, point, modality),
                )
                for modality, calibration in calibrations.items()
                if calibration and point in calibration.point_figures
            ],
        )


class OperatingPointView(Answer):
    operating_point: OperatingPoint = Field(description="the one that is chosen")
    has_points: bool = Field(
        description="whether the model in service has thresholds for operating points; one that "
        "was calibrated by older code has none, and judges by the older rule at every point"
    )
    model_version: str = Field(description="the model in service")
    points: list[PointView] = Field(description="what each costs, the most cautious first")

    @classmethod
    def from_choice(cls, chosen: OperatingPoint, model: Model) -> Self:
        return cls(
            operating_point=chosen,
            has_points=model.calibration.has_points,
            model_version=model.version,
            points=[PointView.from_point(point, model) for point in OperatingPoint],
        )
