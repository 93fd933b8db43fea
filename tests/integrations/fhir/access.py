from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skinapi.platform.storage.ids import new_id
from tests.integrations.fhir import orders
from tests.support.access_part import AccessPart

if TYPE_CHECKING:
    from tests.support.access import SampleAccounts

# A clinic's key sends for each; what a test key sends is nobody's.
ANY_PATIENT = {"clinic-wide": "o", "test": "o"}


def _order(whole: bool) -> "Callable[[SampleAccounts], dict[str, Any]]":
    def options(accounts: "SampleAccounts") -> dict[str, Any]:
        subject = {"reference": f"Patient/{accounts.named['patient']}"}
        order = orders.request(new_id(), subject=subject)
        if whole:
            media = [orders.media(id="m")]
            info = [{"reference": "#m"}]
            return {"json": {**order, "contained": media, "supportingInfo": info}}
        sent = orders.entry(orders.media(), orders.MEDIA_URL), orders.entry(order)
        return {"json": orders.bundle(*sent)}

    return options


def _patient(accounts: "SampleAccounts") -> dict[str, Any]:
    own = [{"system": "urn:skinapi:accounts", "value": accounts.named["patient"]}]
    return {"json": orders.patient(identifier=own)}


PART = AccessPart(
    table="""
# FHIR
show_capabilities            anyone            /fhir/metadata
search_resources             approved          /fhir/DiagnosticReport
search_by_form               approved          /fhir/Patient/_search
read_resource                in_care           /fhir/DiagnosticReport/{number}
take_bundle                  owner             /fhir
take_request                 owner             /fhir/ServiceRequest
take_patient                 owner             /fhir/Patient
""",
    requests={
        "search_by_form": {"data": {"_count": "1"}},
        "take_bundle": _order(whole=False),
        "take_request": _order(whole=True),
        "take_patient": _patient,
    },
    keyed={
        "take_bundle": ANY_PATIENT,
        "take_request": ANY_PATIENT,
        "take_patient": {"clinic-wide": "o"},
    },
    open_to_all=(("GET", "/fhir/metadata"),),
    fits_a_get=("/fhir/Patient",),  # which is a kind that is searched
)
