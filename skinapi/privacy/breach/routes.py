"""The route of whom a breach touched."""

import csv
import io
from collections.abc import Iterator, Sequence

from flask import Response

from skinapi.admin.audit_files import cell_of
from skinapi.domain.subject import Subject
from skinapi.errors import NotFound
from skinapi.languages import Language
from skinapi.privacy.breach.acts import ACTS
from skinapi.privacy.breach.schemas import BreachQuery, BreachView, TouchedView
from skinapi.privacy.breach.service import Breach, BreachService
from skinapi.privacy.breach.words import WORDS
from skinapi.privacy.register.words import WORDS as REGISTER
from skinapi.web.access import admins
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate

routes: Routes[BreachService] = Routes("breaches")


@routes.route(
    "GET",
    "/data-protection/breach",
    access=admins("Only admin can view data protection"),
    rate=Rate.RENDERINGS,
    or_produces=("text/csv",),
    raises=(NotFound,),
)
def show_breach(
    breaches: BreachService, *, query: BreachQuery, subject: Subject
) -> BreachView | Response:
    """Whose data a key, an account or a time span touched, as the audit trail says it: for telling
    them, and the supervisory authority. Asking leaves a row of the trail.
    """
    breach = breaches.find_touched(query.question(), by=subject.id)
    language: Language = query.lang or subject.account.language
    if query.format == "csv":
        table = Response(_write(breach, language), mimetype="text/csv")
        table.headers["Content-Disposition"] = 'attachment; filename="touched.csv"'
        return table
    unset = REGISTER[language].labels["not_set"]
    return BreachView.of(
        breach,
        language,
        clinic=breaches.clinic or unset.format(setting="CLINIC_NAME"),
        contact=breaches.contact or unset.format(setting="PRIVACY_CONTACT"),
    )


def _write(breach: Breach, language: Language) -> Iterator[bytes]:
    """A line for each person, behind a byte order mark, without which Excel reads no UTF-8."""
    words = WORDS[language]
    head = [*words.columns.values(), *(words.acts[act] for act in ACTS)]
    yield "\ufeff".encode() + _line(head)
    for one in breach.persons:
        view = TouchedView.of(one).model_dump(mode="json")
        yield _line([*(view[name] for name in words.columns), *(one.acts.get(a, 0) for a in ACTS)])


def _line(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([cell_of(cell) for cell in cells])
    return text.getvalue().encode()
