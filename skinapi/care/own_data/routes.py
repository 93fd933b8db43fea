"""The route by which a person sees how much is stored about them. All of it, as a file:
privacy/person_file.
"""

from skinapi.base.subject import Subject
from skinapi.care.own_data.service import OwnDataService, OwnDataSummary
from skinapi.platform.web.declaration import Routes, Signed

routes: Routes[OwnDataService] = Routes("own data")


@routes.route("GET", "/me/data/summary", access=Signed())
def summarise_data(data: OwnDataService, *, subject: Subject) -> OwnDataSummary:
    """How many findings, photos, spots, letters and messages are stored about the caller."""
    return data.count(of=subject)
