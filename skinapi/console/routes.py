"""The console's pages. They hold no data: what they show comes from the API, with a token."""

from pathlib import Path

from flask import Response

from skinapi.errors import NotFound
from skinapi.web.access import Public
from skinapi.web.limits import Rate
from skinapi.web.routes import Routes

PAGES = Path(__file__).parent / "pages"
ASSETS = {"password.js": "text/javascript", "style.css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)

routes: Routes[None] = Routes("console")


@routes.route("GET", "/password", access=Public(), rate=Rate.READ, produces="text/html")
def show_password_page(_: None) -> Response:
    """The page where an initial password is replaced by one's own."""
    return _file("password.html", "text/html")


@routes.route(
    "GET",
    "/console/<name>",
    access=Public(),
    rate=Rate.READ,
    produces="*/*",
    raises=(NotFound,),
)
def show_asset(_: None, *, name: str) -> Response:
    """A script or style sheet of the pages."""
    if name not in ASSETS:
        raise NotFound
    return _file(name, ASSETS[name])


def _file(name: str, mimetype: str) -> Response:
    response = Response((PAGES / name).read_bytes(), mimetype=mimetype)
    response.headers["Content-Security-Policy"] = POLICY
    return response
