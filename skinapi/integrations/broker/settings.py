from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from skinapi.base.errors import UnsafeSettings
from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.value_checks import (
    asks_for_password,
    caught,
    is_readable_uri,
    split_scheme,
)

BROKERS = ("amqp", "amqps", "redis", "rediss")
WITHOUT_PASSWORD = "JOBS_BROKER must have a password, and not guest's, unless it is on this machine"  # noqa: S105 (a sentence)


class BrokerSettings(AreaSettings):
    jobs_broker: SecretStr | None = Field(
        default=None,
        description="A message broker that wakes job workers: `amqp://user:password@host/` or "
        "`amqps://` (RabbitMQ), `redis://` or `rediss://`. If empty: workers ask the store.",
    )

    @property
    def broker_uri(self) -> str | None:
        named = self.secret("jobs_broker")
        return read_broker_uri(named) if named else None

    def list_outlets(self) -> list[str]:
        return [*super().list_outlets(), *(["JOBS_BROKER"] if self.jobs_broker else [])]

    def list_faults(self) -> Iterator[str]:
        yield from super().list_faults()
        yield from caught(lambda: self.broker_uri)
        address = (self.secret("jobs_broker") or "").strip()
        if self.production and address and not asks_for_password(address):
            yield WITHOUT_PASSWORD


def read_broker_uri(text: str) -> str:
    uri, scheme = split_scheme(text)
    if scheme not in BROKERS:
        raise UnsafeSettings(
            "JOBS_BROKER must begin with amqp:// or amqps:// (RabbitMQ), redis:// or rediss://"
        )
    if not is_readable_uri(uri) or not urlsplit(uri).hostname:
        raise UnsafeSettings(
            "JOBS_BROKER must name scheme://user:password@host:port, percent-encoded"
        )
    return uri
