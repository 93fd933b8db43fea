"""What a letter needs in each language."""

from skinapi.vision.conditions import Frozen


class LetterWords(Frozen):
    """The software's own sentences of a draft: what is said of it comes from its report."""

    to_patient: str
    to_colleague: str
    about: str
    closing: str
