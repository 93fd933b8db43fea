"""The software's own sentences about a finding, one file per language. They name diseases but say
nothing else about them: every sentence about a disease is in the conditions table.
"""

from collections.abc import Mapping

from skinapi.languages import Language, in_each_language, require_same_keys
from skinapi.reports.text.catalogues.catalogue import Catalogue
from skinapi.reports.text.catalogues.english import ENGLISH
from skinapi.reports.text.catalogues.french import FRENCH

CATALOGUES: Mapping[Language, Catalogue] = in_each_language({"en": ENGLISH, "fr": FRENCH})
require_same_keys(CATALOGUES)
