"""The routes of the register of processing."""

from flask import Response

from skinapi.domain.subject import Subject
from skinapi.languages import Language
from skinapi.privacy.register.drawing import draw_flow
from skinapi.privacy.register.printing import POLICY, csv_of, html_of
from skinapi.privacy.register.schemas import LanguageQuery, RegisterQuery, RegisterView
from skinapi.privacy.register.service import RegisterService
from skinapi.web.access import admins
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate

routes: Routes[RegisterService] = Routes("register of processing")
ADMINS = admins("Only admin can view data protection")
SVG = "image/svg+xml"


@routes.route(
    "GET",
    "/data-protection/register",
    access=ADMINS,
    rate=Rate.READ,
    or_produces=("text/html", "text/csv"),
)
def show_register(
    register: RegisterService, *, query: RegisterQuery, subject: Subject
) -> RegisterView | Response:
    """The register of processing (Article 30 of the GDPR), made of what this server stores and of
    the settings in force; as a page to print, or as a table, with `format`.
    """
    view = RegisterView.of(register.make_register(language=_language(query, subject)))
    if query.format == "html":
        page = Response(html_of(view), mimetype="text/html")
        page.headers["Content-Security-Policy"] = POLICY
        return page
    if query.format == "csv":
        table = Response(csv_of(view), mimetype="text/csv")
        table.headers["Content-Disposition"] = 'attachment; filename="register.csv"'
        return table
    return view


@routes.route("GET", "/data-protection/data-flow.svg", access=ADMINS, rate=Rate.READ, produces=SVG)
def show_data_flow(
    register: RegisterService, *, query: LanguageQuery, subject: Subject
) -> Response:
    """A drawing of what leaves this server, and to whom. The register says the same in words."""
    view = RegisterView.of(register.make_register(language=_language(query, subject)))
    return Response(draw_flow(view), mimetype=SVG)


def _language(query: LanguageQuery, subject: Subject) -> Language:
    spoken: Language = subject.account.language
    return query.lang or spoken
