"""What is told about a photo, as the facts that a sender of `POST /predict` may tell. Nothing is
guessed: what has no value here is left out, and the sender is told so.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from skinapi.integrations.coded_facts import (
    LATERALITY_OF,
    MODALITY_OF,
    SITE_OF,
    age_band_of,
    side_of,
)
from skinapi.integrations.fhir.elements import DICOM, SNOMED, own_system
from skinapi.integrations.fhir.sent_resources import Sent
from skinapi.model.context import (
    BODY_SITES,
    TWO_SIDED,
    AgeBand,
    BodySide,
    BodySite,
    Context,
    Laterality,
    Modality,
    Sex,
)
from skinapi.platform.storage.ids import now

_SEXES: dict[str, Sex] = {"female": "female", "male": "male", "other": "other"}
_LATERALITIES: tuple[Laterality, ...] = ("left", "middle", "right")
_SIDES: tuple[BodySide, ...] = ("front", "rear")


class Place(NamedTuple):
    site: BodySite
    laterality: Laterality | None = None
    side: BodySide | None = None


def read_context(
    request: Sent, person: Sent | None, media: Sequence[Sent]
) -> tuple[Context, list[str]]:
    """Of all photos together, and what could not be read. Raises InvalidBody where the photos are
    told to be of different places.
    """
    unread: list[str] = []
    told_sites = [site for one in media if (site := one.model.bodySite)]
    places = set(filter(None, [_read_place(one) for one in (*told_sites, *_sites_of(request))]))
    if len(places) > 1:
        raise request.refuse("bodySite names several places: send a request for each")
    if not places and (told_sites or _sites_of(request)):
        unread.append(f"{request.place}: this server knows no place by the code of bodySite")
    place = places.pop() if places else None
    age_band = None
    if person is not None and person.model.birthDate is not None:
        age_band = _read_age(person.model.birthDate, _day_of(request))
        if age_band is None:
            unread.append(f"{person.place}: birthDate does not say which age group it is")
    modalities = {_read_modality(one) for one in media} or {Modality.UNKNOWN}
    context = Context(
        modality=modalities.pop() if len(modalities) == 1 else Modality.UNKNOWN,
        age_band=age_band,
        sex=_SEXES.get(person.model.gender or "") if person else None,
        body_site=place.site if place else None,
        body_laterality=place.laterality if place else None,
        body_side=place.side if place else None,
    )
    return context, unread


def _sites_of(request: Sent) -> list[Any]:
    return request.model.bodySite or []


def _codes(told: Any, system: str) -> Iterable[str]:
    return [one.code for one in (told.coding if told else None) or () if one.system == system]


def _read_place(told: Any) -> Place | None:
    """A `CodeableConcept`: the code of a site, and beside it that of a side of the body."""
    snomed = [one for one in _codes(told, SNOMED) if one]
    own = [one for one in BODY_SITES if one in _codes(told, own_system("body-sites"))]
    sites = {*own, *(SITE_OF[code] for code in snomed if code in SITE_OF)}
    if len(sites) != 1:
        return None
    site = sites.pop()
    lateral = {
        *(one for one in _LATERALITIES if one in _codes(told, own_system("laterality"))),
        *(LATERALITY_OF[code] for code in snomed if code in LATERALITY_OF),
    }
    sides: set[BodySide] = {
        *(one for one in _SIDES if one in _codes(told, own_system("sides")) and site in TWO_SIDED),
        *(side for code in snomed if (side := side_of(code))),
    }
    return Place(
        site,
        lateral.pop() if len(lateral) == 1 else None,
        sides.pop() if len(sides) == 1 else None,
    )


def _read_modality(sent: Sent) -> Modality:
    told = {MODALITY_OF.get(code) for code in _codes(sent.model.modality, DICOM)} - {None}
    return told.pop() or Modality.UNKNOWN if len(told) == 1 else Modality.UNKNOWN


def _day_of(request: Sent) -> date:
    """When it was ordered, so that it means the same when it is sent again; else today."""
    told = str(request.model.authoredOn or "")[:10]
    try:
        return date.fromisoformat(told)
    except ValueError:  # a year alone
        return now().date()


def _read_age(told: Any, on: date) -> AgeBand | None:
    """None where a year or a month leaves two groups open, or nobody is that old."""
    year, *rest = map(int, str(told).split("-"))
    if not year:
        return None
    months = rest[:1] or [1, 12]
    days = rest[1:] or [1, monthrange(year, months[-1])[1]]
    earliest, latest = date(year, months[0], days[0]), date(year, months[-1], days[-1])
    bands = {age_band_of(_years(born, on)) for born in (earliest, latest)}
    return bands.pop() if len(bands) == 1 else None


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))
