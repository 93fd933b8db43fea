"""The page in a frame of a clinic's own site, without a login (docs/integrate/embed.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from flask import Response

from skinapi.base.settings.settings import Settings
from skinapi.console.routes import ASSETS, EMBEDDED, POLICY, Asset, answer_asset
from skinapi.platform.web.declaration import Public, Rate, Routes

NOBODY = "frame-ancestors 'none'"
# Only the camera, for browsers that ask for it when a form takes a photo.
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"


@dataclass(frozen=True, slots=True)
class EmbedPage:
    page: Asset
    policy: str

    @classmethod
    def from_settings(cls, settings: Settings) -> "EmbedPage":
        origins, clinic = settings.frame_origins, settings.clinic_name or "SkinAPI"
        page = ASSETS[EMBEDDED].with_metas({"clinic": clinic, "origins": " ".join(origins)})
        title = f"<title>{escape(clinic)}</title>".encode()
        return cls(
            page=Asset(page.content.replace(b"<title>SkinAPI</title>", title), ".html"),
            policy=POLICY.replace(NOBODY, _ancestors(origins)),
        )

    def show(self) -> Response:
        response = answer_asset(self.page)
        response.headers["Content-Security-Policy"] = self.policy
        response.headers["Permissions-Policy"] = PERMISSIONS
        return response


def _ancestors(origins: Sequence[str]) -> str:
    return f"frame-ancestors {' '.join(origins)}" if origins else NOBODY


routes: Routes[EmbedPage] = Routes(rate=Rate.UNLIMITED)


@routes.route("GET", "/embed", access=Public(), produces="text/html")
def show_embed_page(embed: EmbedPage) -> Response:
    """The page for a frame of a clinic's own site: a photo, its questions, the answer. Only sites
    of EMBED_ORIGINS may show it; without any it says that it is switched off.
    """
    return embed.show()
