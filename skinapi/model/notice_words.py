"""What the notices of the table of conditions have words for: the schema of `notices` in
conditions.yaml.
"""

from collections.abc import Mapping

from skinapi.base.languages import LocalizedText
from skinapi.base.stored_record import Frozen


class PictureKind(Frozen):
    """The words for a kind of picture, in singular and plural; `guessed` where nobody told it."""

    one: LocalizedText
    many: LocalizedText
    guessed: LocalizedText


class CertaintyWords(Frozen):
    """How sure a patient may be of a finding; `skinapi.findings.reports.reading` chooses.
    `sent` or `sent_if_skin` follows `uncertain`, `either_kind` are pictures of no known kind.
    """

    tested: LocalizedText
    little_tested: LocalizedText
    untested: LocalizedText
    untested_skin: LocalizedText
    uncertain: LocalizedText
    sent: LocalizedText
    sent_if_skin: LocalizedText
    not_examined: LocalizedText
    missed: Mapping[str, LocalizedText]
    either_kind: LocalizedText


class HeadlineNames(Frozen):
    """A condition within a sentence: `patient` with its article."""

    patient: LocalizedText
    doctor: LocalizedText


class ChanceWords(Frozen):
    """A probability in whole numbers: {count} in {of}."""

    about: LocalizedText
    less: LocalizedText
    more: LocalizedText


class HeadlineWords(Frozen):
    """`skinapi.model.finding.headline` chooses. `names` are by condition, `sent_for` and
    `doctor_sent_for` by why a finding is sent for which the picture is no reason. `mostly`: all
    cancers together have more than half, and none of them is the likely condition.
    """

    likely: LocalizedText
    mostly: LocalizedText
    nothing_recognised: LocalizedText
    not_ruled_out: LocalizedText
    by_picture: LocalizedText
    cancer: LocalizedText
    sent_for: Mapping[str, LocalizedText]
    doctor_likely: LocalizedText
    doctor_mostly: LocalizedText
    doctor_single: LocalizedText
    doctor_not_ruled_out: LocalizedText
    doctor_by_picture: LocalizedText
    doctor_cancer: LocalizedText
    doctor_sent_for: Mapping[str, LocalizedText]
    chance: ChanceWords
    names: Mapping[str, HeadlineNames]


class WaitingWords(Frozen):
    """What a patient reads in place of a band's `label` and `next_step`, and a doctor in place of
    `doctor_action`, and of `doctor_label` where that is there.
    """

    label: LocalizedText
    next_step: LocalizedText
    doctor_label: LocalizedText | None = None
    doctor_action: LocalizedText


class DecisionWords(Frozen):
    title: LocalizedText
    opinion: LocalizedText
    unconfirmed: LocalizedText
    suspected: LocalizedText
    suspected_unsure: LocalizedText
    result: LocalizedText
    heading: LocalizedText
    elsewhere: LocalizedText
    waits_for: Mapping[str, WaitingWords]
    proven: Mapping[str, LocalizedText]
    proven_for_doctor: LocalizedText
    unnamed: LocalizedText
    awaited: LocalizedText
    new_picture: LocalizedText
    new_picture_doctor: LocalizedText
    normal_skin: LocalizedText
    model_second: LocalizedText
    ask_a_doctor: LocalizedText
    overview: LocalizedText
    said_elsewhere: LocalizedText
    counts_here: LocalizedText
    overview_elsewhere: LocalizedText


class ComparisonWords(Frozen):
    """What a comparison of two photos says; `skinapi.model.comparison.sentences` chooses."""

    not_comparable: LocalizedText
    why_not_comparable: Mapping[str, LocalizedText]
    not_measured: LocalizedText
    area_not_measured: LocalizedText
    part_not_measured: LocalizedText
    why_not_measured: Mapping[str, LocalizedText]
    unchanged: LocalizedText
    unchanged_in: Mapping[str, LocalizedText]
    changed_in: Mapping[str, LocalizedText]
    raised: LocalizedText
    told: LocalizedText
    told_doctor: LocalizedText
    decided_with_both: LocalizedText
    decided_before: LocalizedText
    despite_change: LocalizedText
    may_miss: LocalizedText
    may_miss_change: LocalizedText


class ReminderWords(Frozen):
    """What a reminder says: `acts` by what is to be done, {what}, and that until a day."""

    acts: Mapping[str, LocalizedText]
    until: LocalizedText


class Notices(Frozen):
    """The notices. The keys of `kinds` are modalities, those of `skins` skin tones.
    `skinapi.model.finding.notices` fills in the placeholders in braces, and
    `skinapi.findings.reports.report` that of a review.
    """

    reminder: ReminderWords
    information_only: LocalizedText
    early: LocalizedText
    headline: HeadlineWords
    kinds: Mapping[str, PictureKind]
    tested: LocalizedText
    untested: LocalizedText
    little_tested: LocalizedText
    skins: Mapping[str, LocalizedText]
    untested_skin: LocalizedText
    certainty: CertaintyWords
    modality_unsure: LocalizedText
    modality_contradicts: LocalizedText
    uncertain: LocalizedText
    strange: LocalizedText
    disagree: LocalizedText
    not_surely_skin: LocalizedText
    decision: DecisionWords
    comparison: ComparisonWords
    restated: LocalizedText
    calibrated_on: LocalizedText
    joined: LocalizedText
    picture_refused: LocalizedText
    profile_unread: LocalizedText
    text_in_picture: LocalizedText
    graver_review: LocalizedText
    refused: Mapping[str, LocalizedText]
