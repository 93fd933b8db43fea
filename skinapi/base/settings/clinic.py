from pydantic import Field

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.value_checks import split


class ClinicSettings(InstallationSettings):
    clinic_name: str | None = Field(
        default=None,
        max_length=200,
        description="Who is responsible for what is stored: named where one registers, and at the "
        "head of every report.",
    )
    privacy_url: str | None = Field(
        default=None,
        description="The clinic's own privacy notice, as `https://host/path`: linked where one "
        "registers.",
    )
    unassigned_patients: str = Field(
        default="all",
        max_length=4000,
        description="Which doctors see the [patients without a "
        "doctor](../reviews.md#patients-without-a-doctor): `all`, some e-mails, comma-separated, "
        "or `none`.",
    )
    clinic_phone: str | None = Field(
        default=None,
        max_length=40,
        description="The clinic's telephone number, which pages and reports give to patients "
        "who should see a doctor.",
    )
    review_within_days: int | None = Field(
        default=None,
        ge=1,
        le=90,
        description="Within how many days a doctor usually answers, as patients read it.",
    )

    default_doctor: str | None = Field(
        default=None,
        max_length=254,
        description="E-mail of the doctor in charge of new patients, if neither the approval "
        "nor the key of a program names another.",
    )

    @property
    def unassigned_seen_by(self) -> frozenset[str] | None:
        listed = split(self.unassigned_patients)
        return None if listed == {"all"} else listed - {"none"}
