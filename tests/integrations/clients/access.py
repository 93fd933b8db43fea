import io
from typing import Any

from tests.integrations.clients.dialects import base64_of
from tests.support.access_part import AccessPart
from tests.support.photos import photo_of

# The operator has not opened these routes.
TABLE = """
say_health                   anyone            /api/health
predict_for_skinartify       approved          /predict
predict_for_either           approved          /api/predict
predict_for_lab              lab               /api/predict
infer_for_explainable        approved          /inference
report_for_explainable       approved          /report
"""
PHOTO = photo_of("melanoma")
IN_JSON = {"json": {"image_data": base64_of(PHOTO)}}
LAB = r"~*^POST /api/predict/? \S+ application/json *(?:;|$)"
PAGE = {"Origin": "https://page.example"}


def _sends(field: str, content: bytes, name: str) -> dict[str, Any]:
    return {"data": {field: (io.BytesIO(content), name)}}


PART = AccessPart(
    table=TABLE,
    requests={
        "predict_for_skinartify": lambda _: _sends("file", PHOTO, "lesion.jpg"),
        "predict_for_either": lambda _: _sends("image", PHOTO, "lesion.jpg"),
        "predict_for_lab": {"json": {"image": base64_of(PHOTO)}},
        "infer_for_explainable": IN_JSON,
        "report_for_explainable": IN_JSON,
    },
    open_to_all=(("GET", "/api/health"),),
    no_key=[line.split()[0] for line in TABLE.split("\n") if line and "anyone" not in line],
    # In the order in which nginx looks for them.
    proxy_forms={
        "lab": (LAB, "/api/predict", {"content_type": "application/json"}),
        "guide-page": ("~^POST /api/predict/? page ", "/api/predict", {"headers": PAGE}),
        "guide": ("~^POST /api/predict/? ", "/api/predict", {}),
        "inference": ("~^POST /inference/? ", "/inference", {}),
        "report": ("~^POST /report/? ", "/report", {}),
    },
)
