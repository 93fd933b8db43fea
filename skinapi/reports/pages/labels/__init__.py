"""What a report prints around its facts: headings, labels, the names of choices. A file a language;
no word about a disease is among them.
"""

from collections.abc import Mapping

from skinapi.reports.pages.labels.english import ENGLISH
from skinapi.reports.pages.labels.french import FRENCH
from skinapi.reports.pages.labels.schema import Labels
from skinapi.vision.conditions import Language

LABELS: Mapping[Language, Labels] = {"en": ENGLISH, "fr": FRENCH}


def labels_of(language: Language) -> Labels:
    return LABELS[language]
