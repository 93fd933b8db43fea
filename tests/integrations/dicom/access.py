"""Who may ask for what of this area: see tests/support/access.py."""

from skinapi.integrations.dicom.archive import ARCHIVE
from tests.integrations.dicom.sent_objects import sends_dicom
from tests.support.backends import Backend

TABLE = """
# the clinic's archive
show_archive                 admins            /archive
list_archive_deliveries      admins            /archive/deliveries
send_to_archive_again        admins            /archive/deliveries/{archive_delivery}/again
admit_study                  approved          /dicom/admission
store_studies                approved          /dicom/studies
store_study                  approved          /dicom/studies/1.2.3
"""
REQUESTS = {
    "store_studies": lambda _: sends_dicom(),
    "store_study": lambda _: sends_dicom(StudyInstanceUID="1.2.3"),
}
# Routes whose photos lie in a file meanwhile.
SPOOLED_PHOTOS = ("/dicom/studies", "/dicom/studies/<study>")
# Of tests/deploy/test_large_requests.py: who sends them, and how many a token holds.
STUDY = b'Content-Type: multipart/related; type="application/dicom"; boundary=x\r\n'
LARGE_BODIES = ((b"/dicom/studies", STUDY, "user", 16),)
STRANGERS = (
    (b"/dicom/studies", STUDY, "", 401),
    (b"/dicom/studies/1.2.3", STUDY, "forged", 401),
    (b"/%64icom//studies", STUDY, "", 401),
)
# Routes that take no key: an admin's.
NO_KEY = ("show_archive", "list_archive_deliveries", "send_to_archive_again")


def name_samples(backend: Backend) -> dict[str, str]:
    delivery = backend.services.store.transaction(
        lambda: backend.services.data.deliveries.add(ARCHIVE, to=ARCHIVE, about={})
    )
    return {"archive_delivery": delivery}
