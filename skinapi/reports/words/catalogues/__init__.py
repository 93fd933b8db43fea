"""The house's own words about a finding, a file a language. What they say of a disease is a name;
every sentence about one is the conditions table's.
"""

from collections.abc import Mapping

from skinapi.reports.words.catalogues.english import ENGLISH
from skinapi.reports.words.catalogues.french import FRENCH
from skinapi.reports.words.catalogues.shape import Catalogue
from skinapi.vision.conditions import Language

CATALOGUES: Mapping[Language, Catalogue] = {"en": ENGLISH, "fr": FRENCH}
