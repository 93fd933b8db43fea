import io

from skinapi.base.errors import Refused
from skinapi.integrations.dicom.stow import LARGEST_OBJECT, RefusedInstance, installed
from skinapi.model.context import Context
from skinapi.model.picture_format import PictureFormat


def _open(content: bytes, largest: int) -> tuple[bytes, Context] | None:
    if content[128:132] != b"DICM":
        return None
    with installed():
        from skinapi.integrations.dicom.header import open_instance  # noqa: PLC0415
        from skinapi.integrations.dicom.patient_facts import read_context  # noqa: PLC0415
        from skinapi.integrations.dicom.pixels import read_photo_file  # noqa: PLC0415
    try:
        instance = open_instance(io.BytesIO(content))
        return read_photo_file(instance, largest=largest), read_context(instance)
    except RefusedInstance as refused:
        raise Refused(refused.failure.name.lower(), refused.detail) from refused


PICTURES = PictureFormat(
    suffix=b".dcm",
    largest=LARGEST_OBJECT,
    library="pydicom",
    missing="Some of the pictures are DICOM objects (.dcm): install requirements-dicom.txt first",
    open=_open,
)
