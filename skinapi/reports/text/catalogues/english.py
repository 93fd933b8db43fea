"""English."""

from skinapi.reports.narrative import Reason
from skinapi.reports.text.catalogues.schema import Catalogue, Phrases, Vocabulary
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding import Doubt

PHRASES = Phrases(
    uncertain="This finding is uncertain: {doubts}.",
    doubts={
        Doubt.TOO_CLOSE: "the model cannot tell the possibilities apart",
        Doubt.UNLIKE_TRAINING: "the picture is unlike those the model learned from",
    },
    most_probable="Most probable: {name}.",
    named_by_rule="Named: {name}, by a rule that keeps rarer conditions from being overlooked; the "
    "most probable one is {other} ({share}).",
    not_excluded="Not excluded: {name}.",
    as_stated="As stated by the caller: {name}; no picture was examined.",
    more_urgent="This is more urgent than {name} alone would ask for; the reason: {reasons}.",
    why_urgent={
        RaisedBy.MALIGNANT: "the malignant score ({share})",
        RaisedBy.CHECKLIST: "the 7-point checklist",
        RaisedBy.NOT_DERMOSCOPIC: "not known to be a dermoscope picture",
        RaisedBy.NOT_EXAMINED: "no picture was examined",
        RaisedBy.LITTLE_TESTED: "little tested on this kind of picture",
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
    too_few_pictures="for want of test pictures: {names}",
    fits_no_class="any lesion, as the picture fits no class well",
    band="Urgency: {label}; the reason: {reasons}.",
    quality="The picture measures {width} by {height} pixels and passed the check of its quality.",
    checklist_score="The 7-point checklist was answered: {score} points.",
    checklist_unanswered="The 7-point checklist was not answered.",
)

WORDS = """
a an the this that these those it its itself they their which what each some other others such of in
on to for from by with between among and or as at into because where how also then while is are was
were be been has have had can may might gives give gave given weighs weighed compares compared adds
added counts counted ranks ranked names named learned learns learning trained describes described
explains explained means says said states stated answers answered reads read rests depends follows
comes came stands puts put sets expresses expressed tells told makes made sums uses used model
picture pictures image images photo photos photograph photographs probability probabilities
possibility possibilities score scores number numbers percentage percentages share shares result
results answer finding findings calculation calculations computer software list lists order place
text report condition conditions class classes group groups checklist figure figures sum example
examples estimate estimates measure measures question questions way part parts kind kinds word words
point points possible calibrated automatic automatically statistical own together here
"""

VOCABULARY = Vocabulary(
    words=frozenset(WORDS.split()),
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
    decimal_mark=".",
    percent="{}%",
    score_term="malignant score",
    checklist_term="7-point checklist",
    pixels_term="picture measures",
    picture_term="from the picture alone",
    level_term="cannot be ruled out at",
    tested_term="tested on",
    phrases=PHRASES,
    vocabulary=VOCABULARY,
)
