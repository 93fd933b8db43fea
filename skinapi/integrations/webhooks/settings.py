from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from pydantic import Field

from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.value_checks import caught, read_networks


class WebhookSettings(AreaSettings):
    webhook_private_ranges: str | None = Field(
        default=None,
        description="Private networks to which webhooks may be sent, also by `http://`, such "
        "as `10.1.0.0/16,127.0.0.0/8`.",
    )

    @property
    def webhook_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return read_networks("WEBHOOK_PRIVATE_RANGES", self.webhook_private_ranges or "")

    def list_faults(self) -> Iterator[str]:
        yield from super().list_faults()
        yield from caught(lambda: self.webhook_networks)
