"""A store as the release before leaves it. Its code runs this file itself, with its own tests
beside it. It has no spots, no holds and no clock to set back.
"""

import itertools
import sys
from pathlib import Path
from typing import Any

from skinapi.vision.conditions import Band
from tests.care.clinic import file_for, patient_of
from tests.support.backends import Backend

KERATOSIS = "actinic_keratosis"
MOLE, MELANOMA, CARCINOMA = "melanocytic_nevus", "melanoma", "basal_cell_carcinoma"
SAID: tuple[dict[str, Any], ...] = (
    {"label": MOLE, "certainty": "sure"},
    {"label": MOLE, "certainty": "unsure"},
    {"label": MOLE, "certainty": "sure", "urgency": "referral"},
    {"label": KERATOSIS, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure"},
    {"label": MELANOMA, "certainty": "sure", "histology": "awaited"},
    {"label": CARCINOMA, "certainty": "unsure", "urgency": "referral"},
    {"histology_result": MOLE, "histology": "confirmed"},
    {"histology_result": MELANOMA, "histology": "confirmed"},
    {"certainty": "unsure", "urgency": "urgent_referral"},
    {"new_picture_wanted": True},
)


def review_all(folder: Path) -> None:
    """Findings of the gravest and the mildest band with each one or two reviews of a doctor."""
    backend = Backend(folder)
    grey = backend.member(role="doctor")
    ada = patient_of(backend, grey)
    for band in (Band.URGENT_REFERRAL, Band.SELF_MONITORING):
        for signed in itertools.product(SAID, (None, *SAID)):
            path = f"/submissions/{file_for(backend, ada, band).number}/review"
            for said in filter(None, signed):
                assert grey.call("POST", path, json=said).status_code == 201


if __name__ == "__main__":
    review_all(Path(sys.argv[1]))
