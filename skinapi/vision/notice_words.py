"""What the notices of the table of conditions have words for: the schema of `notices` in
conditions.yaml.
"""

from collections.abc import Mapping

from skinapi.languages import Said
from skinapi.stored_record import Frozen


class PictureKind(Frozen):
    """The words for a kind of picture, in singular and plural."""

    one: Said
    many: Said


class CertaintyWords(Frozen):
    """How sure a patient may be of a finding; `skinapi.reports.reading` chooses a sentence."""

    tested: Said
    little_tested: Said
    untested: Said
    untested_skin: Said
    uncertain: Said
    not_examined: Said
    missed: Mapping[str, Said]


class HeadlineNames(Frozen):
    """A condition within a sentence: `patient` with its article."""

    patient: Said
    doctor: Said


class ChanceWords(Frozen):
    """A probability in whole numbers: {count} in {of}."""

    about: Said
    less: Said
    more: Said


class HeadlineWords(Frozen):
    """`skinapi.vision.finding.headline` chooses. `names` are by condition, `sent_for` and
    `doctor_sent_for` by why a finding is sent for which the picture is no reason.
    """

    likely: Said
    nothing_recognised: Said
    not_ruled_out: Said
    by_picture: Said
    cancer: Said
    sent_for: Mapping[str, Said]
    doctor_likely: Said
    doctor_not_ruled_out: Said
    doctor_by_picture: Said
    doctor_cancer: Said
    doctor_sent_for: Mapping[str, Said]
    chance: ChanceWords
    names: Mapping[str, HeadlineNames]


class DecisionWords(Frozen):
    title: Said
    opinion: Said
    heading: Said
    another_photo: Said
    unnamed: Said
    awaited: Said
    confirmed: Said
    new_picture: Said
    model_second: Said
    ask_a_doctor: Said
    overview: Said


class ComparisonWords(Frozen):
    """What a comparison of two photos says; `skinapi.vision.comparison.sentences` chooses."""

    not_comparable: Said
    why_not_comparable: Mapping[str, Said]
    not_measured: Said
    area_not_measured: Said
    part_not_measured: Said
    why_not_measured: Mapping[str, Said]
    unchanged: Said
    unchanged_in: Mapping[str, Said]
    changed_in: Mapping[str, Said]
    raised: Said
    may_miss: Said


class Notices(Frozen):
    """The notices. The keys of `kinds` are modalities, those of `skins` skin tones.
    `skinapi.vision.finding.notices` fills in the placeholders in braces, and
    `skinapi.reports.report` that of a review.
    """

    photograph_again: Said
    information_only: Said
    headline: HeadlineWords
    kinds: Mapping[str, PictureKind]
    tested: Said
    untested: Said
    little_tested: Said
    skins: Mapping[str, Said]
    untested_skin: Said
    certainty: CertaintyWords
    modality_unsure: Said
    modality_contradicts: Said
    uncertain: Said
    strange: Said
    disagree: Said
    not_surely_skin: Said
    decision: DecisionWords
    comparison: ComparisonWords
    restated: Said
    calibrated_on: Said
    joined: Said
    picture_refused: Said
    profile_unread: Said
    graver_review: Said
    refused: Mapping[str, Said]
