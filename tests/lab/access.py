from typing import TYPE_CHECKING, Any

from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.uploads import Announced
from skinapi.lab.service import DatasetsService
from skinapi.platform.storage.ids import new_id
from tests.lab.sending import publish_one
from tests.support.access_part import AccessPart
from tests.support.backends import Backend
from tests.support.photos import photo_of

if TYPE_CHECKING:
    from tests.support.access import SampleAccounts

PHOTO = photo_of("melanoma")


def _name_samples(backend: Backend) -> dict[str, str]:
    data = backend.services.get(DatasetsService).data
    image = publish_one(
        # Not created again: mongomock would refuse the unique index over the existing documents.
        data.datasets,
        DatasetImages(backend.services.store),
        PHOTO,
        owner=new_id(),
        name=f"moles {new_id()}",
    )
    (researcher, *_) = backend.services.store.collection("accounts").find({"role": "researcher"})

    def upload(name: str) -> str:
        begun = data.uploads.begin(Announced(owner=researcher["id"], name=name, size=len(PHOTO)))
        return data.uploads.add_part(begun, offset=0, content=PHOTO).id

    return {
        "dataset": image.dataset,
        "image": image.id,
        "upload": upload("a.jpg"),
        "network": upload("mine.keras"),
    }


def _choose_reference(accounts: "SampleAccounts") -> dict[str, Any]:
    data = accounts.backend.services.get(DatasetsService).data
    data.datasets.set_reference(accounts.named["dataset"])
    return {}


PART = AccessPart(
    table="""
begin_upload                 lab               /uploads
add_upload_part              researcher        /uploads/{upload}/0
show_upload                  researcher        /uploads/{upload}
delete_upload                researcher        /uploads/{upload}
send_dataset                 researcher        /datasets
send_reviewed                lab               /datasets/from-reviews
list_datasets                lab               /datasets
show_dataset                 lab               /datasets/{dataset}
list_images                  lab               /datasets/{dataset}/images
show_image_thumbnail         lab               /datasets/{dataset}/images/{image}/thumbnail
delete_dataset               admins            /datasets/{dataset}
choose_reference             admins            /datasets/{dataset}/reference
end_reference                admins            /datasets/{dataset}/reference
start_training               uffffffnnuu       /api/start-training
import_model                 researcher        /models
""",
    requests={
        "import_model": lambda accounts: {
            "json": {"upload": accounts.named["network"], "labels": ["mel", "nv"], "scaling": "tf"}
        },
        "begin_upload": {"json": {"name": "a.zip", "size": 5}},
        "add_upload_part": {"data": PHOTO},
        "send_dataset": lambda accounts: {
            "json": {"name": accounts.named["new_name"], "uploads": [accounts.named["upload"]]}
        },
        "send_reviewed": lambda _: {"json": {"name": f"reviewed {new_id()}"}},
        "end_reference": _choose_reference,
        "start_training": {"json": {"dataset_name": "none"}},
    },
    name_samples=_name_samples,
    no_key=("choose_reference", "end_reference", "start_training"),
)
