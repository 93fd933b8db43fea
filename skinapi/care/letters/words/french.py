"""Letters in French."""

from skinapi.care.letters.words.letter_words import LetterWords
from skinapi.languages import space_all_french

_WORDS = LetterWords(
    to_patient="Bonjour {patient},",
    to_colleague="Cher confrère, chère consœur,\n\nIl s'agit de {patient}.",
    about="La photo du {date} porte le numéro {number}.",
    closing="Cordialement\n{doctor}",
)
FRENCH = LetterWords.model_validate(space_all_french(_WORDS.model_dump(), french=True))
