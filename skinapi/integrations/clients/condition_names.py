"""What each client of an earlier system calls a condition. `GET /conditions` tells these names too.

None where a client has no name: it reads a sentence in place of one (docs/clients.md). The lab's
client shows any name; its ids and names of melanoma and of a mole are as in one public version of
its server; bcc and akiec were met there as ids only, and all others are ours.
"""

from collections.abc import Mapping
from typing import NamedTuple


class ConditionNames(NamedTuple):
    skinartify: str | None = None
    explainable: str | None = None
    guide: str | None = None
    lab_class_id: str | None = None
    lab_class_name: str | None = None


CONDITION_NAMES: Mapping[str, ConditionNames] = {
    "melanoma": ConditionNames(
        skinartify="melanoma",
        explainable="mel",
        guide="melanoma",
        lab_class_id="melanoma",
        lab_class_name="Malignant Melanoma",
    ),
    "basal_cell_carcinoma": ConditionNames(
        skinartify="bcc",
        explainable="bcc",
        guide="basal_cell_carcinoma",
        lab_class_id="bcc",
        lab_class_name="Basal Cell Carcinoma",
    ),
    "actinic_keratosis": ConditionNames(
        skinartify="akiec",
        explainable="akiec",
        guide="actinic_keratoses",
        lab_class_id="akiec",
        lab_class_name="Actinic Keratosis / Bowen's Disease",
    ),
    "squamous_cell_carcinoma": ConditionNames(
        lab_class_id="scc", lab_class_name="Squamous Cell Carcinoma"
    ),
    "benign_keratosis": ConditionNames(
        skinartify="bkl",
        explainable="bkl",
        guide="benign_keratosis",
        lab_class_id="bkl",
        lab_class_name="Benign Keratosis",
    ),
    "melanocytic_nevus": ConditionNames(
        skinartify="nevus",
        explainable="nv",
        guide="melanocytic_nevi",
        lab_class_id="nv",
        lab_class_name="Benign Mole (Nevus)",
    ),
    "dermatofibroma": ConditionNames(
        skinartify="df",
        explainable="df",
        guide="dermatofibroma",
        lab_class_id="df",
        lab_class_name="Dermatofibroma",
    ),
    "vascular_lesion": ConditionNames(
        skinartify="vasc",
        explainable="vasc",
        guide="vascular_lesions",
        lab_class_id="vasc",
        lab_class_name="Vascular Lesion",
    ),
    "normal_skin": ConditionNames(),
}


def names_for_clients() -> Mapping[str, Mapping[str, str | None]]:
    """For each condition its name by client."""
    return {key: names._asdict() for key, names in CONDITION_NAMES.items()}
