"""The software's own sentences about a finding in English."""

from skinapi.reports.narrative import Reason
from skinapi.reports.text.catalogues.catalogue import Catalogue, Phrases, Vocabulary
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding.finding import Doubt

PHRASES = Phrases(
    likely="This looks most like: {name}.",
    likely_but="This looks most like: {name}, but it may also be: {others}.",
    likely_unknown="It is not clear what this is.",
    likely_unsure="It is not clear what this is; it may be: {name}.",
    likely_nothing="No kind of spot that this check knows was recognised.",
    uncertain="This finding is uncertain: {doubts}.",
    doubts={
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
        RaisedBy.UNCERTAIN: "the uncertainty",
    },
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
)

SENTENCES = (
    "The model [gives|gave] [|to ]NAME a [probability|share] of N.",
    "The [probability|share] [of|for] NAME is N.",
    "NAME [has|is given] a [probability|share] of N.",
    "The malignant score is [|a sum, here ]N.",
    "The malignant score is a sum of probabilities.",
    "The malignant score adds up the probabilities of several conditions.",
    "The 7-point checklist [has|counts] N points.",
    "The model [compared|has compared] the picture with the pictures [|that ]it learned from.",
    "The model [gives|gave] [each condition a|a] [probability|share].",
    "The model [calculates|calculated] a probability for each condition.",
    "A probability describes a calculation; it is a part of the result.",
    "Each probability is a part of [the result|one sum].",
    "Each probability [comes from|describes] a calculation of the model.",
    "Each probability says how the model weighs a condition.",
    "The probabilities of the conditions are parts of one sum.",
    "The probabilities [come|follow] from a calculation of the model.",
    "The conditions are listed in the order of their probabilities.",
    "The [list|report] names the conditions in the order of their probabilities.",
    "The calculation compares the conditions.",
)

VOCABULARY = Vocabulary(
    sentences=SENTENCES,
    terms=("malignant score", "7-point checklist"),
    frames=(
        r"(?:probability|share) (?:of|for) NAME",
        r"(?:gives|gave|given) (?:to )?NAME",
        r"^NAME (?:has|had|is given|was given) a (?:probability|share)",
    ),
    synonyms={
        "mole": "melanocytic_nevus",
        "moles": "melanocytic_nevus",
        "naevus": "melanocytic_nevus",
        "nevus": "melanocytic_nevus",
        "nevi": "melanocytic_nevus",
        "basalioma": "basal_cell_carcinoma",
        "rodent ulcer": "basal_cell_carcinoma",
        "bowen": "actinic_keratosis",
        "solar keratosis": "actinic_keratosis",
        "seborrhoeic keratosis": "benign_keratosis",
        "seborrheic keratosis": "benign_keratosis",
        "lentigo": "benign_keratosis",
        "histiocytoma": "dermatofibroma",
        "angioma": "vascular_lesion",
        "hemangioma": "vascular_lesion",
        "haemangioma": "vascular_lesion",
        "angiokeratoma": "vascular_lesion",
        "granuloma": "vascular_lesion",
        "healthy skin": "normal_skin",
    },
    violations={
        Reason.DOSE: r"\d\s?(?:mg|mcg|µg|ml|g|iu)\b|\b(?:dos(?:e|es|age)|tablets?|pills?|creams?"
        r"|ointments?|drugs?|medicines?|medications?|antibiotics?|steroids?|prescri\w+|appl(?:y|ied)"
        r"|imiquimod|fluorouracil|hydrocortisone|aspirin|ibuprofen|inject\w*|twice|chemotherapy)\b",
        Reason.URGENCY: r"\b(?:need|needed|necessary|unnecessary|wait\w*|later|delay\w*|postpone\w*"
        r"|months?|weeks?|years?|hurry|routine|harmless|benign|safe|safely|worry\w*|worried|fine"
        r"|relax\w*|reassur\w*|calm|low|ignore|skip|cancel\w*|monitor\w*|home|instead|doctors?"
        r"|dermatologists?|specialists?|urgent|urgency|emergency|hospital|appointments?|visits?"
        r"|nothing|minor|trivial|serious|all-clear|alarm|concern\w*|check-?up|better|healthy)\b",
        Reason.DIAGNOSIS: r"\b(?:you|your|diagnos\w+|certain\w*|confirm\w*|definite\w*|surely|sure"
        r"|undoubtedly|doubt|proves?|proven|cancers?|cancerous|malignan\w+|tumou?rs?|excludes?"
        r"|excluded|rules?|cure[ds]?|guarantee\w*)\b",
    },
)

ENGLISH = Catalogue(
    name="English",
    score_term="malignant score",
    checklist_term="7-point checklist",
    pixels_term="picture measures",
    picture_term="from the picture alone",
    level_term="cannot be ruled out at",
    tested_term="tested on",
    phrases=PHRASES,
    vocabulary=VOCABULARY,
)
