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
        description="Bearer token for a Prometheus that reads `/metrics`; at least 16 random "
        "characters. If empty: only admins read it.",
    )
    log_addresses: bool = Field(
        default=False,
        description="Whether log lines have the caller's IP address, which is personal data. "
        "Keep such a log no longer than you need it.",
    )


class ServerSettings(FindingSettings):
    areas: str | None = Field(
        default=None,
        description="What is switched on, comma-separated (`python -m skinapi areas` lists "
        "it); `none` switches all off. If empty: all. What is off answers 404; its stored data "
        "stays, and is erased with its account.",
    )
    bind: str | None = Field(
        default=None,
        description="Where to listen: `host:port`, comma-separated. If empty: "
        "`127.0.0.1:PORT`, in production `0.0.0.0:PORT`.",
    )
    public_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("public_url", "render_external_url"),
        description="The address that people open, as `https://host`, also in the QR code of "
        "reports. Required in production.",
    )
    port: PositiveInt = Field(
        default=5000, le=65535, description="The port, where BIND is not set."
    )
    workers: AutoInt = Field(
        default=None,
        description="Server processes. If empty or `auto`: one for two cores, as far as half "
        "of the memory has room.",
    )
    threads: PositiveInt = Field(default=32, le=1024, description="Threads in each process.")
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        description="Number of proxies in front that set `X-Forwarded-For`. If it is too high, "
        "callers can forge their address; if it is too low, they share one and its limits.",
    )
    allowed_origins: str | None = Field(
        default=None,
        description="Front ends that may call from a browser, as `https://host`, "
        "comma-separated. In development also every page of this machine.",
    )
    embed_origins: str | None = Field(
        default=None,
        description="Sites that may show `/embed` in a frame, as `https://host`, "
        "comma-separated. If empty: none.",
    )
    max_upload_bytes: PositiveInt = Field(
        default=LARGEST_PHOTO,
        description="Largest photo in bytes. Each process has memory for the bodies of two "
        "such photos, at least 20 MB; further ones get 503.",
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
        return split_origins(self.allowed_origins)

    @property
    def frame_origins(self) -> list[str]:
        return [origin.lower() for origin in split_origins(self.embed_origins)]

    @property
    def sizing(self) -> Sizing:
        return size_server(self.workers, self.num_streams)
