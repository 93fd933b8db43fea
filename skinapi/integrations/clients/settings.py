from collections.abc import Iterator

from pydantic import Field

from skinapi.base.settings.installation import AreaSettings
from skinapi.base.settings.server import ServerSettings


class OpenClientSettings(AreaSettings, ServerSettings):
    open_skinartify: bool | None = Field(
        default=None,
        description="Whether Skinartify is served, which sends no token. If empty: only in "
        "development, on loopback without a proxy.",
    )
    open_explainable: bool | None = Field(
        default=None, description="The same for the explainable classifier."
    )
    open_guide: bool | None = Field(default=None, description="The same for DermaScan guide.")
    open_lab: bool = Field(
        default=False,
        description="Whether DermaScan lab is served without a token; only on loopback without "
        "a proxy.",
    )

    @property
    def open_clients(self) -> frozenset[str]:
        """The clients that need no token: in development on a loopback address all except those
        that a setting closes, otherwise only those that a setting opens.
        """
        if not self.switches_on("clients"):
            return frozenset()
        by_default = not self.production and self.loopback
        asked = {name: getattr(self, name) for name in OpenClientSettings.__annotations__}
        return frozenset(
            name.removeprefix("open_")
            for name, opened in asked.items()
            if (by_default if opened is None else opened)
        )

    def list_faults(self) -> Iterator[str]:
        yield from super().list_faults()
        if self.open_lab and not self.loopback:
            yield "OPEN_LAB=true needs BIND on 127.0.0.1 alone, without a proxy"
