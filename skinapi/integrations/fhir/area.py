from skinapi.base.settings.settings import Settings
from skinapi.integrations.fhir.order_intake import FhirIntakeService
from skinapi.integrations.fhir.routes import intake_routes, operation_outcome, routes
from skinapi.integrations.fhir.service import FhirService
from skinapi.platform.area import Area, Values


def _values(settings: Settings) -> Values:
    return {
        FhirService: {"base": f"{settings.address}/fhir"},
        FhirIntakeService: {"largest_photo": settings.max_upload_bytes},
    }


AREA = Area(
    name="fhir",
    blueprint="fhir",
    summary="FHIR R4 for health records",
    page="docs/integrate/ehr.md",
    scopes=("fhir",),
    routes=((routes, FhirService), (intake_routes, FhirIntakeService)),
    errors_in={"/fhir": operation_outcome},
    values=_values,
)
