"""The settings of the server: where it listens, who may call it, and how much it does at once."""

from pydantic import AliasChoices, Field, PositiveInt, SecretStr

from skinapi.base.settings.findings import FindingSettings
from skinapi.base.settings.installation import InstallationSettings
from skinapi.base.settings.sizing import AutoInt, Sizing, size_server
from skinapi.base.settings.value_checks import split, split_origins
from skinapi.base.size_limits import LARGEST_PHOTO

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_HELD_BYTES = 20 * 1024 * 1024


class MonitoringSettings(InstallationSettings):
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


class ServerSettings(FindingSettings):
    areas: str | None = Field(
        default=None,
        description="What of the server is on, separated by commas: see `python -m skinapi "
        "areas`; `none` switches all off. If empty: all. What is off answers 404, tells "
        "nobody what happens meanwhile, and is in no menu and not in openapi.json; what it has "
        "stored stays, and is erased with its account.",
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
        description="Largest photo in bytes. Request bodies have room in memory for two such "
        "photos in each process, at least 20 MB; one that finds no room gets 503 with "
        "`Retry-After`.",
    )

    @property
    def areas_on(self) -> frozenset[str] | None:
        return split(self.areas) if self.areas else None

    def switches_on(self, area: str) -> bool:
        return self.areas_on is None or area in self.areas_on

    @property
    def held_bytes(self) -> int:
        return max(LEAST_HELD_BYTES, 2 * self.max_upload_bytes)

    @property
    def binds(self) -> list[str]:
        if self.bind:
            return [address.strip() for address in self.bind.split(",")]
        host = "0.0.0.0" if self.production else "127.0.0.1"  # noqa: S104 (a host's router needs it)
        return [f"{host}:{self.port}"]

    @property
    def loopback(self) -> bool:
        hosts = [bind.rpartition(":")[0].strip("[]") for bind in self.binds]
        return all(host in LOOPBACK for host in hosts) and not self.trusted_proxies

    @property
    def address(self) -> str:
        return (self.public_url or f"http://{self.binds[0]}").rstrip("/")

    @property
    def password_page(self) -> str:
        return f"{self.address}/password"

    @property
    def account_page(self) -> str:
        return f"{self.address}/#/account"

    @property
    def origins(self) -> list[str]:
        """The allowed origins for CORS. In development all loopback origins are allowed too."""
        return split_origins(self.allowed_origins)

    @property
    def frame_origins(self) -> list[str]:
        return [origin.lower() for origin in split_origins(self.embed_origins)]

    @property
    def sizing(self) -> Sizing:
        return size_server(self.workers, self.num_streams)
