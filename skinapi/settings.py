"""Every setting, typed, with its default; in the environment its name is in capitals."""

import re
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, NonNegativeInt, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from skinapi.errors import UnsafeSettings

VERSION = "0.1.0"
SHORTEST_SECRET = 32
SHORTEST_TOKEN = 16
SAMPLE_SECRETS = ("change-me", "changeme", "your-secret", "secret-key", "example", "sample")
ORIGIN = re.compile(r"https?://[^/?#\s*]+")
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^\s:,/\[\]]+):(\d{1,5})")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    environment: Literal["development", "production"] = "development"
    instance_dir: Path = Path("instance")
    mongo_uri: SecretStr | None = None
    jwt_secret_key: SecretStr | None = None
    openrouter_api_key: SecretStr | None = None
    openrouter_models: str = "openai/gpt-4.1-mini,google/gemini-2.5-flash"
    openrouter_url: str = "https://openrouter.ai/api/v1"
    predict_narrative: Literal["template", "llm"] = "template"
    llm_deadline_s: float = Field(default=8, gt=0, le=60)
    llm_daily_budget: NonNegativeInt = 1000
    model_path: Path | None = None
    model_precision: Literal["f32", "bf16"] | None = None
    num_streams: PositiveInt = 2
    photos: Literal["never", "consent", "always"] = "consent"
    metrics_token: SecretStr | None = None

    clinic_name: str | None = Field(default=None, max_length=200)

    bind: str | None = None
    public_url: str | None = Field(
        default=None, validation_alias=AliasChoices("public_url", "render_external_url")
    )
    port: PositiveInt = Field(default=5000, le=65535)
    workers: PositiveInt = 1
    threads: PositiveInt = 32
    trusted_proxies: int = Field(default=0, ge=0)
    allowed_origins: str | None = None
    max_body_bytes: PositiveInt = 1024 * 1024
    max_upload_bytes: PositiveInt = 10 * 1024 * 1024
    max_held_bytes: PositiveInt = 20 * 1024 * 1024

    token_hours: PositiveInt = 12
    access_minutes: PositiveInt = 15
    session_days: PositiveInt = 30
    session_idle_days: PositiveInt = 7
    guesses_per_hour: PositiveInt = 60
    initial_password_hours: PositiveInt = 72

    rate_limit_storage: SecretStr | None = None
    rate_read: str = "600/minute"
    rate_write: str = "120/minute"
    rate_sign_in: str = "60/minute"
    rate_anonymous: str = "30/minute"
    rate_predictions: str = "1000/day"
    most_submissions: PositiveInt = 10_000

    open_skinartify: bool | None = None
    open_explainable: bool | None = None
    open_guide: bool | None = None
    open_lab: bool = False

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
        """Whether only this machine can call."""
        hosts = [bind.rpartition(":")[0].strip("[]") for bind in self.binds]
        return all(host in LOOPBACK for host in hosts) and not self.trusted_proxies

    @property
    def open_clients(self) -> frozenset[str]:
        """The clients without tokens that are served: on a developer's own machine all that no
        setting closes, but the lab only where it is opened by hand.
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
        """Where people reach this server."""
        return (self.public_url or f"http://{self.binds[0]}").rstrip("/")

    @property
    def password_page(self) -> str:
        """Where an initial password is replaced by one's own."""
        return f"{self.address}/password"

    @property
    def origins(self) -> list[str]:
        """The front ends that are listed; in development every loopback origin comes on top."""
        listed = (self.allowed_origins or "").split(",")
        return [origin.strip().rstrip("/") for origin in listed if origin.strip()]

    @property
    def llm_models(self) -> list[str]:
        """The first is asked; the others where it cannot answer."""
        return [name.strip() for name in self.openrouter_models.split(",") if name.strip()]

    def secret(self, name: str) -> str | None:
        """A secret setting in clear, for the one who needs it."""
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value else None

    def signing_key(self) -> str:
        """The key of the tokens; in development made once and kept in the instance folder."""
        if self.jwt_secret_key is None and not self.production:
            return _kept_secret(self.instance_dir / "jwt-secret")
        key = self.secret("jwt_secret_key") or ""
        if self.production:
            _refuse_weak(key)
        return key

    def refuse_unsafe(self) -> None:
        """Raise UnsafeSettings for what must never face patients."""
        self.signing_key()
        for address in self.binds:
            named = ADDRESS.fullmatch(address)
            if not named or not 0 < int(named[2]) <= 65535:
                raise UnsafeSettings("BIND must name host:port, several separated by one comma")
        if self.max_held_bytes < 2 * self.max_upload_bytes:
            raise UnsafeSettings("MAX_HELD_BYTES must have room for two of MAX_UPLOAD_BYTES")
        if self.open_lab and not self.loopback:
            raise UnsafeSettings("OPEN_LAB=true needs BIND on 127.0.0.1 alone, without a proxy")
        called = urlsplit(self.openrouter_url)
        if called.scheme != "https" and called.hostname not in LOOPBACK:
            raise UnsafeSettings("OPENROUTER_URL must begin with https://: the key travels there")
        if not all(ORIGIN.fullmatch(origin) for origin in self.origins):
            raise UnsafeSettings(
                "ALLOWED_ORIGINS must name each front end as https://host, without * or a path"
            )
        uri = self.secret("mongo_uri")
        if uri and not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise UnsafeSettings("MONGO_URI must begin with mongodb:// or mongodb+srv://")
        if self.production:
            self._refuse_for_production()

    def _refuse_for_production(self) -> None:
        if self.mongo_uri is None and "instance_dir" not in self.model_fields_set:
            raise UnsafeSettings(
                "Set MONGO_URI, or set INSTANCE_DIR to a disk that survives restarts: "
                "without either, every account would be lost at the next deployment"
            )
        if not self.public_url or not ORIGIN.match(self.public_url):
            raise UnsafeSettings(
                "Set PUBLIC_URL to the address that people use, as https://host: "
                "the QR code of every report leads there"
            )
        token = self.secret("metrics_token")
        if token is not None and (len(token) < SHORTEST_TOKEN or _looks_made_up(token)):
            raise UnsafeSettings("METRICS_TOKEN must have at least 16 random characters")
        counts = self.secret("rate_limit_storage") or ""
        if counts.startswith("memory") and self.workers > 1:
            raise UnsafeSettings(
                "RATE_LIMIT_STORAGE must be shared by the workers; memory:// counts in each alone"
            )


def _refuse_weak(key: str) -> None:
    if not key:
        raise UnsafeSettings("Set JWT_SECRET_KEY to a secret of at least 32 random characters")
    if len(key) < SHORTEST_SECRET:
        raise UnsafeSettings("JWT_SECRET_KEY is too short: use at least 32 random characters")
    sample = any(word in key.lower() for word in SAMPLE_SECRETS)
    if sample or len(set(key)) < 10 or _looks_made_up(key):
        raise UnsafeSettings("JWT_SECRET_KEY looks like a sample: use 32 random characters")


def _looks_made_up(secret: str) -> bool:
    """Few characters, characters in a row (01234…, abcd…), or one piece again and again."""
    steps = {ord(b) - ord(a) for a, b in pairwise(secret)}
    repeated = secret in (secret + secret)[1:-1]
    return len(set(secret)) < 6 or len(steps) < 6 or repeated


def _kept_secret(path: Path) -> str:
    """Read the secret, or make it; of several workers that try at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
