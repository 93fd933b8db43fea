import re
from collections.abc import Mapping

from skinapi.base.languages import Language, in_each_language

JARGON: Mapping[Language, re.Pattern[str]] = in_each_language(
    {
        "en": re.compile(
            r"\b(?:calibrat\w*|for want of|anew|referrals?|refer|referred|pathway"
            r"|suspected-cancer|NICE|oozing|inflammation|sensation|diameter"
            r"|pigmented (?:spot|lesion)|sensitivity|specificity)\b",
            re.IGNORECASE,
        ),
        "fr": re.compile(
            r"\b(?:calibr\w*|étalonn\w*|faute d'images|filière|avis spécialisé|cancer suspecté|NICE"
            r"|suintement|inflammation|sensation|diamètre|lésion pigmentée|sensibilité"
            r"|spécificité)\b",
            re.IGNORECASE,
        ),
    }
)


def jargon_in(text: str, language: Language) -> list[str]:
    return JARGON[language].findall(text)
