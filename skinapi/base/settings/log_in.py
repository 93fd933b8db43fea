from pydantic import Field, PositiveInt, field_validator
from pydantic_core import PydanticCustomError

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.value_checks import split
from skinapi.base.subject import ROLES


class LogInSettings(InstallationSettings):
    token_hours: PositiveInt = Field(
        default=12,
        le=24 * 31,
        description="Hours that a login lasts, for a client that does not refresh.",
    )
    access_minutes: PositiveInt = Field(
        default=15,
        le=24 * 60,
        description="Minutes that an access token lasts, for a client that refreshes.",
    )
    session_days: PositiveInt = Field(
        default=30, le=366, description="Days that a client that refreshes stays logged in at most."
    )
    session_idle_days: PositiveInt = Field(
        default=7,
        le=366,
        description="Days without a refresh after which a session with refresh tokens ends.",
    )
    initial_password_hours: PositiveInt = Field(
        default=72, le=24 * 31, description="Hours that an initial password can be used."
    )
    require_second_factor: str | None = Field(
        default=None,
        description="Roles that need a second factor, comma-separated, such as "
        "`doctor,researcher,admin`. Without one, they open only the account page.",
    )
    waiting_account_days: PositiveInt = Field(
        default=90,
        le=3650,
        description="Days after which an account that was never approved is deleted.",
    )

    @field_validator("require_second_factor")
    @classmethod
    def _refuse_unknown_roles(cls, value: str | None) -> str | None:
        if value is not None and not split(value) <= frozenset(ROLES):
            raise PydanticCustomError("roles", f"must be some of {', '.join(ROLES)}")
        return value

    @property
    def second_factor_roles(self) -> frozenset[str]:
        return split(self.require_second_factor or "")
