import io

from tests.lab.sending import labelled, zipped
from tests.support.access_part import AccessPart

TABLE = """
list_models_for_lab          lab               /api/models
admit_dataset                lab               /api/upload-dataset/admission
upload_dataset_for_lab       lab               /api/upload-dataset?datasetName={new_name}
list_datasets_for_lab        lab               /api/datasets
show_training                lab               /api/job/{job}/status
"""
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"

PART = AccessPart(
    table=TABLE,
    requests={
        "upload_dataset_for_lab": lambda _: {
            "data": {"files": (io.BytesIO(zipped(labelled(2))), "a.zip")}
        },
    },
    no_key=[line.split()[0] for line in TABLE.split("\n") if line],
    large_bodies=((b"/api/upload-dataset", FORM, "researcher", 4),),
    strangers=(
        (b"/api/upload-dataset", FORM, "", 401),
        (b"/api/upload-dataset", FORM, "forged", 401),
        (b"/api/upload-dataset", FORM, "user", 403),
        (b"/%61pi//upload-dataset", FORM, "", 401),
    ),
    proxy_forms={"dataset": ("~^POST /api/upload-dataset/? ", "/api/upload-dataset", {})},
)
