"""The software's own sentences about a finding in English."""

from skinapi.reports.text.catalogues.catalogue import Catalogue, Remark
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding.finding import Doubt

ENGLISH = Catalogue(
    uncertain="This finding is uncertain: {doubts}.",
    doubts={
        Doubt.NOT_SURELY_SKIN: "the picture does not look like skin to the program",
        Doubt.PICTURES_DISAGREE: "the pictures do not agree",
        Doubt.TOO_CLOSE: "the model cannot tell the possibilities apart",
        Doubt.UNLIKE_TRAINING: "the picture is unlike those the model learned from",
    },
    in_case="In case it is {name}:",
    as_stated="As stated by the caller: {name}; no picture was examined.",
    more_urgent="This is more urgent than {name} alone would ask for; the reason: {reasons}.",
    why_urgent={
        RaisedBy.MALIGNANT: "the malignant score ({share})",
        RaisedBy.NEAR_THRESHOLD: "close to the limit from which the advice is more urgent",
        RaisedBy.CHECKLIST: "the 7-point checklist",
        RaisedBy.NOT_DERMOSCOPIC: "not known to be a dermoscope picture",
        RaisedBy.NOT_EXAMINED: "no picture was examined",
        RaisedBy.LITTLE_TESTED: "little tested on this kind of picture",
        RaisedBy.UNTESTED_SKIN: "not tested for this skin tone",
        RaisedBy.PICTURE: "one of the pictures by itself",
        RaisedBy.UNCERTAIN: "the uncertainty",
    },
    why_cancer="how probable a skin cancer or an early form of one is ({share})",
    why_cancer_restated="a skin cancer or an early form of one, which cannot be ruled out",
    estimated="The model's estimate: {names}.",
    from_picture="From the picture alone: {names}.",
    with_what_was_told="With what you told us: {names}.",
    chance_alone="Picture {picture} alone: {name}, {share}; all pictures together: {joined}.",
    chance_of_cancer="Its estimate for any skin cancer or early form of one: {share}.",
    malignant_score="The malignant score, which adds up {names}, is {share}.",
    stated_confidence="The caller gives {name} a confidence of {share}; nothing here confirms it.",
    ranked="In the order of their probability: {names}.",
    not_ruled_out="Cannot be ruled out at {level}: {names}.",
    too_few_pictures="too few test pictures to rule out: {names}",
    both="{first}; {second}",
    fits_no_class="any lesion, as the picture fits no class well",
    band="Urgency: {label}; the reason: {reasons}.",
    quality="The picture measures {width} by {height} pixels and passed the check of its quality.",
    checklist_score="The 7-point checklist was answered: {score} points.",
    checklist_unanswered="The 7-point checklist was not answered.",
    remarks={
        Remark.COMPARED: "The model compared the picture with the pictures it learned from.",
        Remark.CALCULATED: "The model calculated a probability for each condition.",
        Remark.PROBABILITY: "The probability of {name} is {share}.",
        Remark.HIGHEST_PROBABILITY: "The highest probability is that of {highest}: "
        "{highest_share}.",
        Remark.FROM_MODEL: "Each probability comes from a calculation of the model.",
        Remark.WEIGHS: "Each probability says how the model weighs a condition.",
        Remark.COMPARES: "The calculation compares the conditions.",
        Remark.PARTS_OF_SUM: "The probabilities of the conditions are parts of one sum.",
        Remark.IN_ORDER: "The conditions are listed in the order of their probabilities.",
        Remark.SCORE_ADDS: "The malignant score adds up the probabilities of several conditions.",
        Remark.SCORE: "The malignant score is a sum, here {score}.",
        Remark.CHECKLIST: "The points of the 7-point checklist: {points}.",
    },
)
