"""The console: static pages and scripts. They hold no data: what they show comes from the API, with
the caller's token.
"""

from flask import Response, request

from skinapi.console.assets import ASSETS, TYPES, Asset
from skinapi.errors import NotFound, SkinAPIError
from skinapi.web.access import Public
from skinapi.web.answers.error_responses import problem_json
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

INDEX = "index.html"
# Photos are fetched with a token, so the page shows them from memory, as blob: addresses.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
routes: Routes[None] = Routes("console")


def show_console() -> Response:
    """The page that holds the whole console."""
    return _answer(ASSETS[INDEX])


def show_missing(error: SkinAPIError) -> Response:
    """The error renderer of addresses that a browser opens and that are none: the console says so,
    with its own way on. Other errors there, such as 429, are answered as everywhere.
    """
    if not isinstance(error, NotFound):
        return problem_json(error)
    response = Response(ASSETS[INDEX].content, error.status, content_type=TYPES[".html"])
    response.headers["Content-Security-Policy"] = POLICY
    return response


@routes.route("GET", "/password", access=Public(), rate=Rate.READ, produces="text/html")
def show_password_page(_: None) -> Response:
    """The console, at the form where an initial password is replaced."""
    return show_console()


@routes.route(
    "GET",
    "/console/<path:name>",
    access=Public(),
    rate=Rate.READ,
    produces="*/*",
    raises=(NotFound,),
)
def show_asset(_: None, *, name: str) -> Response:
    """A script, style sheet or picture of the console."""
    if name not in ASSETS:
        raise NotFound
    return _answer(ASSETS[name])


def _answer(asset: Asset) -> Response:
    """A browser keeps its copy, and asks each time whether that is still the current one."""
    zipped = asset.compressible and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.zipped if zipped else asset.content, content_type=asset.mimetype)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = POLICY
    response.set_etag(asset.etag, weak=zipped)
    response.make_conditional(request)
    return response
