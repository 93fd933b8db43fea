"""The software's own sentences about a finding in English."""

from skinapi.reports.text.catalogues.catalogue import Catalogue, Remark
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding.finding import Doubt

ENGLISH = Catalogue(
    likely="This looks most like: {name}.",
    likely_but="This looks most like: {name}, but it may also be: {others}.",
    likely_unknown="It is not clear what this is.",
    likely_unsure="It is not clear what this is; it may be: {name}.",
    likely_nothing="No kind of spot that this check knows was recognised.",
    uncertain="This finding is uncertain: {doubts}.",
    doubts={
        Doubt.NOT_SURELY_SKIN: "the picture does not look like skin to the program",
        Doubt.PICTURES_DISAGREE: "the pictures do not agree",
        Doubt.TOO_CLOSE: "the model cannot tell the possibilities apart",
        Doubt.UNLIKE_TRAINING: "the picture is unlike those the model learned from",
    },
    most_probable="Most probable: {name}.",
    named_by_rule="Named: {name}, by a rule that keeps rarer conditions from being overlooked; the "
    "most probable one is {other} ({share}).",
    not_excluded="Not excluded: {name}.",
    in_case="In case it is: {name}.",
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
    probability_alone="Picture {picture} alone gives {name} a probability of {share}; all pictures "
    "together give it {joined}.",
    probability="The model gives {name} a probability of {share}.",
    shifted_probability="From the picture alone, the model gives {name} a probability of "
    "{pictured}; with what you told us, {share}.",
    from_picture="From the picture alone: {names}.",
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
