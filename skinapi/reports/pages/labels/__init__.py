"""The fixed texts of a report's pages: headings, labels and names of choices. There is one file per
language, and it contains no word about a disease.
"""

from collections.abc import Mapping

from skinapi.languages import Language, in_each_language, require_same_keys
from skinapi.reports.pages.labels.english import ENGLISH
from skinapi.reports.pages.labels.french import FRENCH
from skinapi.reports.pages.labels.labels import Labels

LABELS: Mapping[Language, Labels] = in_each_language({"en": ENGLISH, "fr": FRENCH})
require_same_keys(LABELS)
