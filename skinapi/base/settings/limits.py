from pydantic import Field, PositiveInt, SecretStr

from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.value_checks import read_rate_limit_uri

RATES = ("read", "write", "sign_in", "log_in", "anonymous", "predictions", "renderings")


class LimitSettings(InstallationSettings):
    rate_limit_storage: SecretStr | None = Field(
        default=None,
        description="Where rate limits are counted: `redis://host:6379`, `rediss://`, "
        "`mongodb://`, `mongodb+srv://`, or `memory://` for one worker. If empty: in the MongoDB "
        "of MONGO_URI, or in INSTANCE_DIR.",
    )
    rate_read: str = Field(
        default="600/minute",
        description="Requests that read, by account, or by address without one. A limit can "
        "differ by role: `600/minute, doctor=1200/minute`.",
    )
    rate_write: str = Field(
        default="120/minute", description="Requests that change something, by account or address."
    )
    rate_sign_in: str = Field(
        default="60/minute",
        description="Requests to register or to replace a password: by address, or by account "
        "where a token was sent.",
    )
    rate_log_in: str = Field(
        default="600/minute",
        description="Log-ins with a password, and refreshes, by address. Wrong passwords are "
        "also limited by account.",
    )
    rate_anonymous: str = Field(
        default="30/minute",
        description="Requests of clients that send no token, and of `/reports/verify`, by address.",
    )
    rate_renderings: str = Field(
        default="60/minute",
        description="Reports drawn as PDF or HTML, and photos compared, by account. A stored "
        "PDF is not counted.",
    )
    rate_predictions: str = Field(
        default="1000/day",
        description="Photos judged for an account, or for an address without a token.",
    )
    most_submissions: PositiveInt = Field(
        default=10_000, le=10**9, description="Findings that one account may keep."
    )

    @property
    def rates(self) -> dict[str, str]:
        return {name: getattr(self, f"rate_{name}") for name in RATES}

    @property
    def rate_limit_uri(self) -> str | None:
        if named := self.secret("rate_limit_storage"):
            return read_rate_limit_uri(named)
        return self.secret("mongo_uri")
