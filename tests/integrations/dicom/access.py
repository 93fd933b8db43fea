from skinapi.integrations.dicom.archive import ARCHIVE
from tests.integrations.dicom.sent_objects import sends_dicom
from tests.support.access_part import AccessPart
from tests.support.backends import Backend

STUDY = b'Content-Type: multipart/related; type="application/dicom"; boundary=x\r\n'


def _name_samples(backend: Backend) -> dict[str, str]:
    delivery = backend.services.store.transaction(
        lambda: backend.services.data.deliveries.add(ARCHIVE, to=ARCHIVE, about={})
    )
    return {"archive_delivery": delivery}


PART = AccessPart(
    table="""
# the clinic's archive
show_archive                 admins            /archive
list_archive_deliveries      admins            /archive/deliveries
send_to_archive_again        admins            /archive/deliveries/{archive_delivery}/again
admit_study                  approved          /dicom/admission
store_studies                approved          /dicom/studies
store_study                  approved          /dicom/studies/1.2.3
""",
    requests={
        "store_studies": lambda _: sends_dicom(),
        "store_study": lambda _: sends_dicom(StudyInstanceUID="1.2.3"),
    },
    name_samples=_name_samples,
    no_key=("show_archive", "list_archive_deliveries", "send_to_archive_again"),
    spooled_photos=("/dicom/studies", "/dicom/studies/<study>"),
    # The senders, and how many requests a token holds.
    large_bodies=((b"/dicom/studies", STUDY, "user", 16),),
    strangers=(
        (b"/dicom/studies", STUDY, "", 401),
        (b"/dicom/studies/1.2.3", STUDY, "forged", 401),
        (b"/%64icom//studies", STUDY, "", 401),
    ),
)
