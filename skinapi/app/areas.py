"""What a clinic may do without: each is an area, declared in the `area.py` of its folder."""

from skinapi.integrations.clients.area import CLIENTS
from skinapi.integrations.dicom.area import DICOM
from skinapi.integrations.fhir.area import FHIR
from skinapi.integrations.oidc.area import OIDC
from skinapi.integrations.webhooks.area import WEBHOOKS

# In the order in which they listen, and in which their routes are described.
AREAS = (OIDC, CLIENTS, FHIR, DICOM, WEBHOOKS)


def list_channels() -> tuple[str, ...]:
    """The kinds of deliveries."""
    return tuple(kind for area in AREAS for kind in area.channels)
