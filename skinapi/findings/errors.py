from skinapi.base.errors import Conflict, Gone, SkinAPIError, Unprocessable

NOT_YOURS = "Not found or unauthorized"


class StorageQuotaReached(SkinAPIError):
    status, code = 507, "storage_quota_reached"
    sentence = "This account has as many findings as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Delete some, then try again.")


class FindingErased(Gone):
    code = "finding_erased"
    sentence = (
        "The finding of this request was deleted here, and the request is not judged again. If it "
        "should be, send it as a new one, under another identifier"
    )


class FindingSigned(Conflict):
    """A system withdraws a finding, or assigns it to another patient, after the review."""

    code = "finding_signed"
    sentence = (
        "A doctor has signed a review of this finding, so neither a program nor its patient "
        "changes it. The doctor in charge corrects it here if it is wrong"
    )

    def __init__(self, finding: str) -> None:
        self.finding = finding
        super().__init__(self.sentence)


class OtherPlace(Conflict):
    code = "other_place"
    sentence = (
        "The spot is recorded at another place: another part of the body, or the other side. "
        "Correct the place of the photo, or of one of the spots, first"
    )


class LesionFull(Unprocessable):
    code, sentence = "lesion_full", "This spot has as many findings as it may"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.sentence} ({most}). Begin a new spot at the same place.")


class IncompleteReview(Unprocessable):
    code = "incomplete_review"
    sentence = "A review states its urgency, the spot version seen, and how certain its label is"

    def __init__(self, missing: str) -> None:
        super().__init__(f"{self.sentence}: `{missing}` is missing")


class ContradictoryReview(Unprocessable):
    code = "contradictory_review"
    sentence = "The laboratory's result is known, or it is awaited: send one of them"


class SampleAwaited(Unprocessable):
    code = "sample_awaited"
    sentence = (
        "The result of a sample is awaited. Say what became of it: `certainty` `laboratory`, or "
        "`sample` `waiting` or `none`. While it is awaited, no review is milder than the one before"
    )


class ResultAwaited(Conflict):
    code = "sample_awaited"
    sentence = "The result of a sample of this spot is awaited: sign a review of it first"


class TooManyReviews(Unprocessable):
    code = "too_many_reviews"
    sentence = "This finding has as many reviews as are kept; ask for another photo"


class TooManyLetters(Unprocessable):
    code = "too_many_letters"
    sentence = "This finding has as many letters as are kept; delete a draft, then try again"


class LetterSigned(Conflict):
    code, sentence = "letter_signed", "This letter is signed and stays as it is; write another one"


class LetterUnconfirmed(Conflict):
    code = "letter_unconfirmed"
    sentence = "A sentence differs from what was decided; look at it, and name it in `confirmed`"


class LetterUnreviewed(Conflict):
    code = "letter_unreviewed"
    sentence = "No doctor has reviewed this finding yet; sign a review first, then the letter"


class LetterWithdrawn(Conflict):
    code = "letter_withdrawn"
    sentence = "This letter is withdrawn already, for another reason"


class VersionMissing(Conflict):
    code = "version_missing"
    sentence = "This finding has more than one version; say which of them you have seen"

    def __init__(self, newest: int) -> None:
        super().__init__(
            f"{self.sentence}. The newest is version {newest}: open the finding, and send its "
            "`version`."
        )


class TooManyVersions(Unprocessable):
    code = "too_many_versions"
    sentence = "The photo of this finding was judged as often as it can be; take another photo"


class ToldByAnother(Conflict):
    code = "told_by_another"
    sentence = (
        "The finding would be less urgent than by what a doctor or the clinic has told of it: the "
        "doctor in charge corrects that"
    )


class TooManyCorrections(Unprocessable):
    code = "too_many_corrections"
    sentence = (
        "No more corrections of this finding are taken from you; the doctor in charge can make "
        "more than the patient"
    )
