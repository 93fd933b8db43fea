import math
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.sizing import AutoInt

Triage = Literal["cautious", "standard", "selective"]
TRIAGE: tuple[Triage, ...] = get_args(Triage)


# Of 100 spots. Less was meant as a share: of 100 spots of a family doctor, 1 or 2 are a cancer.
LEAST_PREVALENCE = 0.2


class FindingSettings(InstallationSettings):
    model_path: Path | None = Field(
        default=None,
        description="Folder of a model to serve instead of the shipped one, until a stored version "
        "is promoted.",
    )
    triage: Triage = Field(
        default="cautious",
        description="The operating point: how many cancers must be sent to a doctor. It "
        "applies until an admin chooses another.",
    )
    prevalence: float | None = Field(
        default=None,
        ge=LEAST_PREVALENCE,
        lt=100,
        description="Of 100 spots that are photographed here, how many are a skin cancer. "
        "People then read probabilities for that share; the advice stays.",
    )
    num_streams: AutoInt = Field(
        default=None,
        description="Photos that are judged at the same time, in each process; 16 more wait. "
        "If empty or `auto`: the cores of each process, up to 4.",
    )
    photos: Literal["never", "consent", "always"] = Field(
        default="consent",
        description="When a photo is stored. `consent`: if its owner agreed, for this photo "
        "(`keep_photo`) or for all (`PUT /me/consents`).",
    )

    @field_validator("prevalence", mode="before")
    @classmethod
    def _refuse_impossible(cls, value: object) -> object:
        try:
            number = None if value is None else float(str(value))
        except ValueError:
            number = math.nan
        if number is not None and 0 < number < LEAST_PREVALENCE:
            spots = f"{number * 100:g}"
            raise PydanticCustomError(
                "prevalence",
                f"must be at least {LEAST_PREVALENCE}: {number:g} means {spots} of 10,000 spots; "
                f"for {spots} % write {spots}",
            )
        if number is not None and not 0 < number < 100:
            raise PydanticCustomError(
                "prevalence",
                "must be a number above 0 and below 100, such as 2: of 100 spots that are "
                "photographed here, how many are a skin cancer. Leave it empty if that is not "
                "known",
            )
        return number

    @property
    def prevalence_share(self) -> float | None:
        return None if self.prevalence is None else self.prevalence / 100
