"""The settings of what the law asks of an operator."""

from pydantic import Field, NonNegativeInt
from pydantic_settings import BaseSettings


class PrivacySettings(BaseSettings):
    privacy_contact: str | None = Field(
        default=None,
        max_length=200,
        description="Whom people write to about their data, such as the clinic's data protection "
        "officer: a name, an e-mail address or a telephone number. The register of processing "
        "shows it.",
    )
    break_glass: NonNegativeInt = Field(
        default=3,
        le=50,
        description="How many findings an admin may open in an emergency in a day, to read each "
        "for an hour; patient, doctor and the other admins are told: "
        "[privacy.md](privacy.md#break-glass). 0: none.",
    )
