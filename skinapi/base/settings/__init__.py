"""All settings with their types and defaults. In the environment their names are in capitals."""

import math
import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from skinapi.base.settings.log_in_providers import OidcProvider, read_providers
from skinapi.base.settings.privacy import PrivacySettings
from skinapi.base.settings.sizing import Sizing, size_server, usable_memory
from skinapi.base.settings.value_checks import (
    MailAddress,
    read_broker_uri,
    read_networks,
    read_rate_limit_uri,
    read_smtp_url,
    refuse_weak_key,
    stored_secret,
)
from skinapi.base.size_limits import LARGEST_PHOTO
from skinapi.base.subject import ROLES

VERSION = "2.0.0.dev0"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_HELD_BYTES = 20 * 1024 * 1024
Triage = Literal["cautious", "standard", "selective"]
# After what a finding is sent to the archive.
ArchiveTime = Literal["review", "finding"]
TRIAGE: tuple[Triage, ...] = get_args(Triage)
RATES = ("read", "write", "sign_in", "log_in", "anonymous", "predictions", "renderings")


def _split_in_order(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _split(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _split_origins(text: str | None) -> list[str]:
    listed = (text or "").split(",")
    return [origin.strip().rstrip("/") for origin in listed if origin.strip()]


def sentences_of(error: ValidationError) -> list[str]:
    """One for each setting that is wrong, without its value."""
    faults = error.errors(include_input=False)
    return [f"{'.'.join(map(str, fault['loc']))} {fault['msg']}" for fault in faults]


def _chosen_by_machine(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "auto" else value


AutoInt = Annotated[Annotated[int, Field(ge=1, le=256)] | None, BeforeValidator(_chosen_by_machine)]


# By what data leaves the server, where it is set; the console has words for each.
OUTLETS = (
    *("openrouter_api_key", "smtp_url", "mongo_uri", "rate_limit_storage", "jobs_broker"),
    *("oidc_providers", "archive_url"),
)


class Settings(PrivacySettings):
    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a value may be a secret
        populate_by_name=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable that is set and empty means the default, also where `.env` has a value: so
        `MONGO_URI= python -m skinapi check` does not touch the MongoDB that `.env` names.
        """
        emptied = {name.lower() for name, value in os.environ.items() if not value}
        if isinstance(dotenv_settings, DotEnvSettingsSource):
            kept = dotenv_settings.env_vars.items()
            dotenv_settings.env_vars = {name: v for name, v in kept if name.lower() not in emptied}
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    environment: Literal["development", "production"] = Field(
        default="development",
        description="In `production` the server refuses to start with unsafe settings.",
    )
    instance_dir: Path = Field(
        default=Path("instance"),
        description="State on this machine: database, files, the development secret. Without "
        "MONGO_URI, production requires it to be set: it must be on a disk that survives restarts.",
    )
    mongo_uri: SecretStr | None = Field(
        default=None,
        description="Address of a MongoDB (`mongodb://` or `mongodb+srv://`). Documents and files "
        "(GridFS) are kept there. If empty: SQLite and files in INSTANCE_DIR.",
    )
    jwt_secret_key: SecretStr | None = Field(
        default=None,
        description="Signs the access tokens. At least 32 random characters; required in "
        "production. In development one is made and kept in INSTANCE_DIR.",
    )
    former_jwt_secret_keys: SecretStr | None = Field(
        default=None,
        description="Earlier values of JWT_SECRET_KEY, the newest first, comma-separated. They "
        "verify the audit rows that they signed, and the codes of second factors that were set up "
        "with them; no token.",
    )
    openrouter_api_key: SecretStr | None = Field(
        default=None,
        description="Key of the LLM provider. If empty, nothing is ever sent to an LLM.",
    )
    openrouter_models: str = Field(
        default="openai/gpt-4.1-mini,google/gemini-2.5-flash",
        description="The LLM that writes, then the replacements in order. Comma-separated.",
    )
    openrouter_checker_models: str = Field(
        default="anthropic/claude-haiku-4.5,mistralai/mistral-medium-3.1",
        description="The LLM that compares what was written with its sources, and the "
        "replacements. Of other makers (the part before the slash) than OPENROUTER_MODELS.",
    )
    openrouter_url: str = Field(
        default="https://openrouter.ai/api/v1",
        description="Address of the LLM provider. `https://`, except on this machine.",
    )
    predict_narrative: Literal["template", "llm"] = Field(
        default="template",
        description="Who writes the sections in answers of `POST /predict`: the template alone, "
        "or an LLM in addition.",
    )
    llm_daily_budget: NonNegativeInt = Field(
        default=1000,
        le=10**9,
        description="LLM requests a day (UTC), for the whole installation. An explanation takes "
        "two.",
    )
    model_path: Path | None = Field(
        default=None,
        description="Folder of a model to serve instead of the shipped one, until a stored version "
        "is promoted.",
    )
    triage: Triage = Field(
        default="cautious",
        description="The operating point: how many cancers must be sent to a doctor, and so how "
        "many harmless lesions are spared a visit. For the server until an admin chooses another "
        "in the console, and for `batch`.",
    )
    prevalence: float | None = Field(
        default=None,
        gt=0,
        lt=100,
        description="Of 100 spots that are photographed here, how many are a skin cancer, such as "
        "`2`. Pages and reports then show the probabilities for that share; the advice, "
        "and the clients of earlier systems, stay as they are. If empty: the probabilities hold "
        "for the pictures on which the model was calibrated.",
    )
    num_streams: AutoInt = Field(
        default=None,
        description="Photos that are judged at the same time, in each process. 16 more wait; "
        "others get 503 with `Retry-After`. If empty or `auto`: the processor cores of each "
        "process, up to 4.",
    )
    photos: Literal["never", "consent", "always"] = Field(
        default="consent",
        description="When a photo is stored. `consent`: where its owner agreed, in the form field "
        "`keep_photo`, or for all photos with `PUT /me/consents`.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Bearer token with which a Prometheus scraper reads `/metrics`. At least 16 "
        "random characters in production. If empty, only admins can read it.",
    )

    log_addresses: bool = Field(
        default=False,
        description="Whether each line of the log has the caller's IP address, which is personal "
        "data. For whoever must find an attacker; keep such a log no longer than that needs.",
    )

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
        description="Which doctors see what waits of patients who have no doctor, and take the "
        "patients: `all`, the e-mails of some, comma-separated, or `none`. With `none` these "
        "patients read that nobody here will look: "
        "[reviews.md](../reviews.md#patients-without-a-doctor).",
    )
    clinic_phone: str | None = Field(
        default=None,
        max_length=40,
        description="The telephone of the clinic, as its patients dial it: whoever waits for an "
        "answer for longer than REVIEW_WITHIN_DAYS is told to call it, and a report says it to "
        "whoever is to see a doctor. If empty: without a number.",
    )
    review_within_days: int | None = Field(
        default=None,
        ge=1,
        le=90,
        description="Within how many days a doctor usually answers: patients read it beside who "
        "will look at a finding. If empty: no time is named.",
    )
    default_doctor: str | None = Field(
        default=None,
        max_length=254,
        description="The e-mail of the doctor in charge of new patients for whom nobody names "
        "another: at an approval, or in the key of a program that adds them. If empty: nobody is.",
    )

    smtp_url: SecretStr | None = Field(
        default=None,
        description="The mail server that takes notices: `smtp://user:password@host:587`, which "
        "changes to TLS (STARTTLS), or `smtps://`. If empty: no mail is sent.",
    )
    mail_from: str | None = Field(
        default=None,
        max_length=254,
        description="The address that mails come from. Required with SMTP_URL.",
    )

    webhook_private_ranges: str | None = Field(
        default=None,
        description="Networks besides the public internet to which webhooks may be sent, such as "
        "`10.1.0.0/16,127.0.0.0/8`, comma-separated; to them `http://` is allowed too.",
    )
    trusted_authorities: Path | None = Field(
        default=None,
        description="File (PEM) with the certificates of authorities, such as that of the clinic, "
        "that are trusted besides the public ones: for webhooks, ARCHIVE_URL and "
        "OIDC_PROVIDERS.",
    )

    archive_url: str | None = Field(
        default=None,
        description="The clinic's picture archive, to which findings are sent (DICOMweb): the "
        "address below which it has `/studies`. If empty: none.",
    )
    archive_after: ArchiveTime = Field(
        default="review",
        description="After what a finding is sent to the archive: a doctor's `review`, or as soon "
        "as the `finding` is stored, and again after each review.",
    )
    archive_token: SecretStr | None = Field(
        default=None, description="Token that the archive asks for (`Bearer`)."
    )
    archive_user: str | None = Field(
        default=None, description="Name that the archive asks for (`Basic`), instead of a token."
    )
    archive_password: SecretStr | None = Field(
        default=None, description="Password of ARCHIVE_USER at the archive."
    )

    bind: str | None = Field(
        default=None,
        description="Where to listen: `host:port`, several separated by commas. If empty: "
        "`127.0.0.1:PORT`, in production `0.0.0.0:PORT`.",
    )
    public_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("public_url", "render_external_url"),
        description="The address that people use, as `https://host`; the QR code of a report "
        "leads there. Required in production. If empty: the first address of BIND.",
    )
    port: PositiveInt = Field(
        default=5000, le=65535, description="The port, where BIND is not set."
    )
    workers: AutoInt = Field(
        default=None,
        description="Server processes. If empty or `auto`: one for two processor cores, as far as "
        "half of the memory has room for them; `check-settings` says how many.",
    )
    threads: PositiveInt = Field(default=32, le=1024, description="Threads in each process.")
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        description="Proxies in front of the server that set `X-Forwarded-For`. If this is too "
        "high, callers can forge their address; if it is too low, they share one and its "
        "limits.",
    )
    allowed_origins: str | None = Field(
        default=None,
        description="Front ends that may call from a browser, as `https://host`, "
        "comma-separated. In development every page of this machine may call too.",
    )
    embed_origins: str | None = Field(
        default=None,
        description="Sites that may show `/embed` in a frame, as `https://host`, comma-separated: "
        "docs/integrate/embed.md. If empty, that page is switched off.",
    )
    max_upload_bytes: PositiveInt = Field(
        default=LARGEST_PHOTO,
        description="Largest photo in bytes. The DermaScan guide's own limit of 8 MB stays. "
        "Request bodies have room in memory for two such photos in each process, at least 20 MB. "
        "One that finds no room gets 503 with `Retry-After`; so does a second one of a caller that "
        "would then hold more than half.",
    )

    max_dataset_bytes: PositiveInt = Field(
        default=2 * 1024**3,
        description="Largest data set in bytes, as it is sent and unpacked. While it is checked, "
        "INSTANCE_DIR needs about three times as much free space. In each process, uploads under "
        "way take at most twice as much.",
    )
    dataset_quota_bytes: PositiveInt = Field(
        default=20 * 1024**3,
        description="Bytes of data sets and unfinished uploads that one account may keep.",
    )

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
        description="Roles whose accounts need a second factor, separated by commas, such as "
        "`doctor,researcher,admin`. Until one is set up, their tokens open the account page alone.",
    )

    oidc_providers: str | None = Field(
        default=None,
        description="Where the clinic's accounts log in (OpenID Connect), as a JSON list: "
        "[log_in.md](../integrate/log_in.md). If empty: nobody but with a password.",
    )
    oidc_secrets: SecretStr | None = Field(
        default=None,
        description="The secret of this server at each of OIDC_PROVIDERS, as a JSON object: "
        '`{"hospital": "…"}`. One without a secret here is a public client.',
    )

    waiting_account_days: PositiveInt = Field(
        default=90,
        le=3650,
        description="Days after which an account that was never approved is deleted.",
    )

    rate_limit_storage: SecretStr | None = Field(
        default=None,
        description="Where rate limits are counted: `redis://host:6379`, `rediss://`, "
        "`mongodb://` or `mongodb+srv://`, or `memory://` for one worker. If empty: in MongoDB "
        "where MONGO_URI is set, else in a SQLite file in INSTANCE_DIR.",
    )
    rate_read: str = Field(
        default="600/minute",
        description="Requests that read, by account, or by address without one; the files of "
        "the console are not counted. Like the limits below it may differ by role: `600/minute, "
        "doctor=1200/minute`.",
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
        description="Log-ins with a password, and refreshes, by address: all people of a hospital "
        "may have one. Wrong passwords are limited by account besides. A log-in with the clinic's "
        "account counts as a request that reads.",
    )
    rate_anonymous: str = Field(
        default="30/minute",
        description="Requests on the routes of clients that send no token, and to "
        "`/reports/verify`, by address, or by account where a token was sent.",
    )
    rate_renderings: str = Field(
        default="60/minute",
        description="Reports drawn as PDF or HTML for an account, and photos compared for it: each "
        "takes as long as many other requests. A stored PDF is not drawn again, and is not "
        "counted.",
    )
    rate_predictions: str = Field(
        default="1000/day",
        description="Photos judged for an account, or for an address without a token.",
    )
    most_submissions: PositiveInt = Field(
        default=10_000, le=10**9, description="Findings that one account may keep."
    )
    most_lesions: PositiveInt = Field(
        default=1000, le=10_000, description="Spots that one account may have."
    )
    most_lesion_findings: PositiveInt = Field(
        default=1000,
        le=10_000,
        description="Findings that one spot may have. All of them are changed in one transaction "
        "where it is deleted, or joined to another.",
    )

    lab_workers: int = Field(
        default=1,
        ge=0,
        le=16,
        description="Job workers that `serve` starts; each runs one job at a time, such as a "
        "training, and beside it a short one, such as an import. 0: none, jobs wait for a worker "
        "that is started elsewhere.",
    )
    job_memory_bytes: PositiveInt | None = Field(
        default=None,
        description="Bytes of memory that each process of a job may use. A job that needs more "
        "fails with a sentence. If empty: as much as the machine has, or its container may use.",
    )
    job_hours: float = Field(
        default=24,
        gt=0,
        le=24 * 31,
        description="Hours that a job such as a training may run; past them it fails with a "
        "sentence, and the next person's job begins.",
    )
    jobs_broker: SecretStr | None = Field(
        default=None,
        description="A message broker that tells job workers on many machines of new jobs: "
        "`amqp://user:password@host/` or `amqps://` (RabbitMQ), `redis://` or `rediss://`. Needs "
        "requirements-broker.txt. If empty: workers ask the store.",
    )

    starting_weights: Path | None = Field(
        default=None,
        description="Folder with ImageNet weights of architectures that the model in service does "
        "not have: trainings in the lab begin from them. Without: from random weights.",
    )

    not_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of photographs of anything but skin. Trainings in the lab fit the "
        "detector that refuses such pictures to them; a model without it does not pass the gates.",
    )
    normal_skin_pictures: Path | None = Field(
        default=None,
        description="Folder of pictures of healthy skin, which trainings in the lab learn too.",
    )

    open_skinartify: bool | None = Field(
        default=None,
        description="Whether Skinartify is served; it sends no token. If empty: only in "
        "development on a loopback address without a proxy.",
    )
    open_explainable: bool | None = Field(
        default=None, description="The same for the explainable classifier."
    )
    open_guide: bool | None = Field(default=None, description="The same for DermaScan guide.")
    open_lab: bool = Field(
        default=False,
        description="Whether DermaScan lab, the client of an earlier system, is served without a "
        "token; refused unless the server listens on loopback alone, without a proxy.",
    )

    @field_validator("prevalence", mode="before")
    @classmethod
    def _refuse_impossible(cls, value: object) -> object:
        try:
            number = None if value is None else float(str(value))
        except ValueError:
            number = math.nan
        if number is not None and not 0 < number < 100:
            raise PydanticCustomError(
                "prevalence",
                "must be a number above 0 and below 100, such as 2: of 100 spots that are "
                "photographed here, how many are a skin cancer. Leave it empty if that is not "
                "known",
            )
        return number

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_undecodable(cls, value: object) -> object:
        """Python reads bytes of the environment that are not UTF-8 as halves of surrogate pairs.
        They could be neither signed, nor sent, nor printed.
        """
        if isinstance(value, str) and any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
            raise PydanticCustomError("not_utf8", "must be UTF-8 text")
        return value

    @field_validator("require_second_factor")
    @classmethod
    def _refuse_unknown_roles(cls, value: str | None) -> str | None:
        if value is not None and not _split(value) <= frozenset(ROLES):
            raise PydanticCustomError("roles", f"must be some of {', '.join(ROLES)}")
        return value

    @field_validator("openrouter_checker_models")
    @classmethod
    def _refuse_one_maker_for_both(cls, value: str, info: ValidationInfo) -> str:
        makers = {name.partition("/")[0] for name in _split_in_order(value)}
        writers = _split_in_order(info.data.get("openrouter_models", ""))
        if not makers or makers & {name.partition("/")[0] for name in writers}:
            raise PydanticCustomError("maker", "must be of other makers than OPENROUTER_MODELS")
        return value

    @property
    def second_factor_roles(self) -> frozenset[str]:
        """The roles whose accounts need a second factor."""
        return _split(self.require_second_factor or "")

    @property
    def unassigned_seen_by(self) -> frozenset[str] | None:
        """The e-mails of the doctors who see patients without one; None for all doctors."""
        listed = _split(self.unassigned_patients)
        return None if listed == {"all"} else listed - {"none"}

    @property
    def prevalence_share(self) -> float | None:
        """PREVALENCE as a share, and no percentage."""
        return None if self.prevalence is None else self.prevalence / 100

    @property
    def quarantine(self) -> Path:
        """The folder for uploads that nobody has checked yet."""
        return self.instance_dir / "quarantine"

    @property
    def held_bytes(self) -> int:
        """Bytes of request bodies in memory at the same time, in each process."""
        return max(LEAST_HELD_BYTES, 2 * self.max_upload_bytes)

    @property
    def rates(self) -> dict[str, str]:
        """The text of each rate limit, by the name of its class of requests."""
        return {name: getattr(self, f"rate_{name}") for name in RATES}

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def binds(self) -> list[str]:
        if self.bind:
            return [address.strip() for address in self.bind.split(",")]
        host = "0.0.0.0" if self.production else "127.0.0.1"  # noqa: S104 (a host's router needs it)
        return [f"{host}:{self.port}"]

    @property
    def loopback(self) -> bool:
        """Whether the server accepts requests only from this machine."""
        hosts = [bind.rpartition(":")[0].strip("[]") for bind in self.binds]
        return all(host in LOOPBACK for host in hosts) and not self.trusted_proxies

    @property
    def open_clients(self) -> frozenset[str]:
        """The clients that are served without tokens: in development on a loopback address all that
        no setting closes, elsewhere only those that a setting opens.
        """
        by_default = not self.production and self.loopback
        asked = {
            "skinartify": self.open_skinartify,
            "explainable": self.open_explainable,
            "guide": self.open_guide,
            "lab": self.open_lab,
        }
        return frozenset(
            name for name, opened in asked.items() if (by_default if opened is None else opened)
        )

    @property
    def address(self) -> str:
        """The base URL under which people reach this server."""
        return (self.public_url or f"http://{self.binds[0]}").rstrip("/")

    @property
    def password_page(self) -> str:
        """The URL of the page where an initial password is replaced."""
        return f"{self.address}/password"

    @property
    def account_page(self) -> str:
        """The URL of the page of one's own account."""
        return f"{self.address}/#/account"

    @property
    def origins(self) -> list[str]:
        """The allowed origins for CORS. In development all loopback origins are allowed too."""
        return _split_origins(self.allowed_origins)

    @property
    def frame_origins(self) -> list[str]:
        """The sites that may show the page to embed, as browsers write them."""
        return [origin.lower() for origin in _split_origins(self.embed_origins)]

    @property
    def llm_models(self) -> list[str]:
        """The LLMs in order of preference: each is used only if those before it cannot answer."""
        return _split_in_order(self.openrouter_models)

    @property
    def checker_models(self) -> list[str]:
        return _split_in_order(self.openrouter_checker_models)

    @property
    def sizing(self) -> Sizing:
        """How many processes serve, and how many photos each judges at once."""
        return size_server(self.workers, self.num_streams)

    @property
    def job_memory(self) -> int:
        """Bytes that a process of a job may use."""
        return self.job_memory_bytes or usable_memory()

    def secret(self, name: str) -> str | None:
        """The plain text of a secret setting, or None if it is not set."""
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value else None

    @property
    def log_in_providers(self) -> tuple[OidcProvider, ...]:
        """Where the clinic's accounts log in."""
        return read_providers(self.oidc_providers, self.secret("oidc_secrets"))

    @property
    def rate_limit_uri(self) -> str | None:
        """Where the rate limits are counted; None for a SQLite file."""
        if named := self.secret("rate_limit_storage"):
            return read_rate_limit_uri(named)
        return self.secret("mongo_uri")

    @property
    def broker_uri(self) -> str | None:
        """The address of the message broker of jobs; None without one."""
        named = self.secret("jobs_broker")
        return read_broker_uri(named) if named else None

    @property
    def mail_server(self) -> MailAddress | None:
        """The mail server; None without one."""
        named = self.secret("smtp_url")
        return read_smtp_url(named) if named else None

    @property
    def webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where webhooks may be sent besides the public internet."""
        return read_networks("WEBHOOK_PRIVATE_RANGES", self.webhook_private_ranges or "")

    def list_outlets(self) -> list[str]:
        """Name the settings that are made by which data leaves the server."""
        return [name.upper() for name in OUTLETS if getattr(self, name)]

    def signing_key(self) -> str:
        """The key that signs the tokens. In development it is made once and stored in INSTANCE_DIR.

        In production raises UnsafeSettings if the key is missing or weak.
        """
        if self.jwt_secret_key is None and not self.production:
            return stored_secret(self.instance_dir / "jwt-secret")
        key = self.secret("jwt_secret_key") or ""
        if self.production:
            refuse_weak_key(key)
        return key

    def audit_secrets(self) -> list[str]:
        """The secrets that sign the audit trail: the current one, then the former ones."""
        former = (self.secret("former_jwt_secret_keys") or "").split(",")
        return [self.signing_key(), *(key.strip() for key in former if key.strip())]
