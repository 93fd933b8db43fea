from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from skinapi.base.stored_record import StoredRecord, optional
from skinapi.model.conditions import conditions_table
from skinapi.model.told_facts import ToldFact, told


class Modality(StrEnum):
    DERMOSCOPIC = "dermoscopic"
    CLINICAL = "clinical"
    UNKNOWN = "unknown"


class SkinTone(StrEnum):
    """The one scale of skin that figures, findings and data sets share."""

    LIGHT = "light"
    MEDIUM = "medium"
    DARK = "dark"


class SkinAnswer(StrEnum):
    """Whether a sender can be asked if a picture shows the spot, or has confirmed that it does."""

    ASK = "ask"
    CONFIRMED = "confirmed"


AgeBand = Literal["0-29", "30-44", "45-59", "60-74", "75+"]
Sex = Literal["female", "male", "other"]
Fitzpatrick = Literal[1, 2, 3, 4, 5, 6]
BodySite = Literal[
    "abdomen",
    "acral",
    "back",
    "chest",
    "ear",
    "face",
    "foot",
    "genital",
    "hand",
    "lower_extremity",
    "neck",
    "scalp",
    "trunk",
    "upper_extremity",
]
# Of the person's body, not of the picture.
Laterality = Literal["left", "middle", "right"]
BodySide = Literal["front", "rear"]
SpokenPlace = tuple[BodySite, Laterality | None, BodySide | None]
# Sites with a front and a back; for other sites the side adds nothing.
TWO_SIDED: frozenset[BodySite] = frozenset(
    ("acral", "foot", "hand", "lower_extremity", "neck", "scalp", "trunk", "upper_extremity")
)

# The sites of each part of the body. Photos of one spot may name any of these.
PARTS: tuple[frozenset[BodySite], ...] = (
    frozenset(("abdomen", "back", "chest", "genital", "neck", "trunk")),
    frozenset(("ear", "face", "neck", "scalp")),
    frozenset(("acral", "hand", "upper_extremity")),
    frozenset(("acral", "foot", "lower_extremity")),
)


# The groups of the DDI study (https://doi.org/10.1126/sciadv.abq6147). docs/training.md says why.
TONE_OF_TYPE: Mapping[Fitzpatrick, SkinTone] = {
    1: SkinTone.LIGHT,
    2: SkinTone.LIGHT,
    3: SkinTone.MEDIUM,
    4: SkinTone.MEDIUM,
    5: SkinTone.DARK,
    6: SkinTone.DARK,
}
AGE_BANDS: tuple[AgeBand, ...] = get_args(AgeBand)
OLDEST = 120
# The representative age if only the group was entered.
_MIDDLE_AGES: Mapping[AgeBand, int] = {"0-29": 20, "30-44": 37, "45-59": 52, "60-74": 67, "75+": 80}
BODY_SITES: tuple[BodySite, ...] = get_args(BodySite)


def age_band_of(years: float | None) -> AgeBand | None:
    if years is None or not 0 <= years <= OLDEST:
        return None
    ends = [int(band.partition("-")[2] or OLDEST) + 1 for band in AGE_BANDS]
    return next(band for band, end in zip(AGE_BANDS, ends, strict=True) if years < end)


class Context(StoredRecord):
    """What is known about a photo besides its pixels. `age` is in years; where it is told,
    `age_band` is its group. `checklist`: None if the questions were not asked. `skin_confirmed`:
    the sender says that it shows the spot, whatever the program sees. `text_in_picture`: the file
    says that text is written into its pixels.

    Stored requests, narratives and the seals of reports have hashes of it (`for_hash`): a fact that
    is added must not change those of before.
    """

    modality: Modality = told(
        "picture",
        "kindOfPicture",
        default=Modality.UNKNOWN,
        asked="kind",
        answers="kind",
        shown=("clinical", "dermoscopic"),
        first=True,
    )
    age: Annotated[int | None, Field(ge=0, le=OLDEST)] = told(
        "person",
        "age",
        description="in years; it counts more exactly than its group",
        observed="Age, in years",
        column=True,
    )
    age_band: AgeBand | None = told(
        "person",
        "age",
        part_of="age",
        answers="age",
        first=True,
        observed="Age group, in years",
        column=True,
    )
    sex: Sex | None = told(
        "person",
        "sex",
        asked="sex",
        answers="sex",
        first=True,
        observed="Sex",
        dataset="sex",
        column=True,
    )
    body_site: BodySite | None = told(
        "place", "placeOnBody", first=True, dataset="localization", column=True
    )
    body_laterality: Laterality | None = told(
        "place",
        "placeOnBody",
        description="left, right or middle of the person's `body_site`",
        part_of="body_site",
        judged=False,
    )
    body_side: BodySide | None = told(
        "place",
        "placeOnBody",
        description="front or rear of the person's `body_site`",
        part_of="body_site",
        judged=False,
    )
    fitzpatrick: Fitzpatrick | None = told("skin", "skinTone", first=True, dataset="fitzpatrick")
    skin_tone: SkinTone | None = told(
        "skin",
        "skinTone",
        asked="skinTone",
        hint="skinToneWhy",
        answers="skin",
        first=True,
        dataset="skin_tone",
    )
    checklist: tuple[str, ...] | None = told(
        "signs",
        "signs",
        description="the ticked items of the 7-point checklist, or `none`",
        first=True,
        column=True,
    )
    skin_confirmed: bool = optional(default=False)
    text_in_picture: bool = optional(default=False)

    @field_validator("checklist")
    @classmethod
    def _order_items(cls, ticked: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if ticked is None:
            return None
        known = [item.key for item in conditions_table().checklist.items]
        unknown = sorted(set(ticked) - set(known))
        if unknown:
            raise ValueError(f"unknown checklist items: {', '.join(unknown)}")
        return tuple(key for key in known if key in ticked)

    @model_validator(mode="before")
    @classmethod
    def _add_age_band(cls, told: object) -> object:
        if (
            not isinstance(told, dict)
            or not isinstance(told.get("age"), int)
            or told.get("age_band")
        ):
            return told
        return {**told, "age_band": age_band_of(told["age"])}

    @model_validator(mode="after")
    def _refuse_two_ages(self) -> Self:
        if self.age is not None and self.age_band != age_band_of(self.age):
            raise ValueError("age is not within age_band")
        return self

    def corrected(self, told: Mapping[str, Any]) -> Self:
        """Return a copy with these facts replaced. A value of None removes the fact. Age and age
        group are one fact. A place that was entered for one site is dropped with that site.
        """
        facts = {**self.model_dump(), **told}
        facts["modality"] = facts["modality"] or Modality.UNKNOWN
        if "age" in told and "age_band" not in told:
            stays = told["age"] is None and self.age is None
            facts["age_band"] = self.age_band if stays else age_band_of(told["age"])
        elif "age_band" in told and told["age_band"] != self.age_band:
            facts["age"] = told.get("age")
        if facts["body_site"] != self.body_site:
            facts |= {name: told.get(name) for name in PLACE_ON_SITE}
        return type(self).model_validate(facts)

    def list_changes(self, other: Self) -> tuple[str, ...]:
        fields = type(self).model_fields
        return tuple(name for name in fields if getattr(self, name) != getattr(other, name))

    def for_hash(self) -> dict[str, Any]:
        """The content for hashes. Facts that were not entered are omitted, except for the `first`
        ones.
        """
        untold = type(self)().model_dump(mode="json")
        return {
            name: value
            for name, value in self.model_dump(mode="json").items()
            if value != untold.get(name) or (name in TOLD and TOLD[name].first)
        }

    @property
    def years(self) -> int | None:
        return (
            self.age
            if self.age is not None or self.age_band is None
            else _MIDDLE_AGES[self.age_band]
        )

    @property
    def told_tones(self) -> tuple[SkinTone, ...]:
        by_type = TONE_OF_TYPE[self.fitzpatrick] if self.fitzpatrick else None
        return tuple(tone for tone in SkinTone if tone in (self.skin_tone, by_type))

    @property
    def checklist_score(self) -> int | None:
        """None if the questions were not asked."""
        if self.checklist is None:
            return None
        return conditions_table().checklist.score(self.checklist)

    @property
    def told_signs(self) -> tuple[str, ...]:
        """The ticked items if their points are below the threshold for a referral."""
        below = (self.checklist_score or 0) < conditions_table().checklist.threshold
        return (self.checklist or ()) if below else ()


TOLD: Mapping[str, ToldFact] = {
    name: fact
    for name, field in Context.model_fields.items()
    for fact in field.metadata
    if isinstance(fact, ToldFact)
}
# They locate a spot on its `body_site`.
PLACE_ON_SITE = tuple(name for name, fact in TOLD.items() if fact.part_of == "body_site")
NOTHING_TOLD = Context()
