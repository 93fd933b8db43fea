"""Tells apart what one output of the network is trained on."""

from skinapi.learning.data.samples import Sample
from skinapi.vision.labels.spellings import SQUAMOUS


def is_squamous(sample: Sample) -> bool:
    """Whether the data set labels this sample as squamous cell carcinoma."""
    return sample.facts.get("dx", "").strip().lower() in SQUAMOUS
