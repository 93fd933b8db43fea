"""Letters in English."""

from skinapi.care.letters.words.letter_words import LetterWords

ENGLISH = LetterWords(
    to_patient="Dear {patient},",
    to_colleague="Dear colleague,\n\nThis is about your patient {patient}.",
    about="The photo of {date} has the number {number}.",
    closing="Kind regards\n{doctor}",
)
