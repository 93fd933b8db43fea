"""The words of the mails, one file per language."""

from collections.abc import Mapping

from skinapi.languages import Language, in_each_language, require_same_keys
from skinapi.notices.words.english import ENGLISH
from skinapi.notices.words.french import FRENCH
from skinapi.notices.words.mail_words import MailWords

WORDS: Mapping[Language, MailWords] = in_each_language({"en": ENGLISH, "fr": FRENCH})
require_same_keys(WORDS)
