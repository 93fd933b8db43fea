"""What the check of a letter's sentences (care/letter_check.py) knows of English, as patterns."""

CHECKED = {
    "names": {
        "melanoma": "melanoma",
        "basal_cell_carcinoma": r"basal[ -]cell|\bBCC\b|rodent ulcer",
        "actinic_keratosis": "actinic keratos|solar keratos",
        "bowens_disease": "bowen",
        "squamous_cell_carcinoma": r"squamous[ -]cell|\bSCC\b|keratoacanthoma",
        "benign_keratosis": "(?:seborrh?o?eic|benign|pigmented|lichen)[^.]{0,20}keratos|age spot"
        "|lentigo|sun ?spot",
        "melanocytic_nevus": r"\bmoles?\b|n(?:a|æ)?evus|n(?:a|æ)?evi",
        "dermatofibroma": "dermatofibroma|histiocytoma",
        "vascular_lesion": r"\bangio|ha?emangioma|vascular|pyogenic|blood vessel",
        "inflammatory": r"eczema|psoriasis|dermatitis|inflammatory|ringworm|\bfungal",
        "normal_skin": "normal skin|healthy skin",
        "malignant": r"cancer|carcinoma|malignan|tumou?r",
        "spread": "metasta|lymph node",
        "benign": r"benign|harmless|innocent|innocuous|not dangerous"
        r"|nothing (?:serious|bad|to fear|to worry)"
        r"|all[ -]clear|(?:can|may|to) reassure|reassurance|(?:is|looks?|seems) (?:normal|fine)",
    },
    "numbers": "three four five six seven eight nine ten eleven twelve thirteen"
    " fourteen fifteen sixteen seventeen eighteen nineteen twenty",
    "denies": r"\b(?:not?|never|nothing|none|neither|nor|without|cannot|unlikely)\b|n['’]t\b"
    r"|\b(?:rul(?:ed?|ing) out|exclud(?:ed?|es|ing)|free of|absence of)\b",
    "denies_nothing": r"\b(?:not|cannot|n['’]t)(?: \w+){0,2} (?:certain|sure|know|tell|judge)\b"
    r"|(?:\bnot|cannot|n['’]t)(?: \w+){0,3} (?:rul\w+ out|exclud\w+)"
    r"|\bnot only\b|not hesitate|n['’]t hesitate",
    "asked": r"appointment|visit|\bsee\b|\bcome\b|examin|treat|remov|\bsend|\bcall\b|\bworr|\bneed"
    r"|refer|sample|biops|hurry|urgen|follow[ -]?up",
    "proves": r"\b(?:confirm(?:s|ed)|prov(?:es|ed|en)|established"
    r"|certainly|(?:is|was) certain|positive)\b"
    r"|(?:you have|(?:this|it) is|shows?|diagnosis is)"
    r"(?: (?:an?|the|early|thin|indeed|clearly))* {name}",
    "bands": {
        "urgent_referral": r"this week|urgent|emergency|immediate|at once|right away|straight away"
        r"|as soon as possible|without (?:delay|waiting)|(?:not|n['’]t) (?:wait|delay)|cannot wait",
        "referral": r"(?:two|2) weeks|14 days|fortnight",
        "doctor_review": r"(?:coming|next few|some|three|four|six|eight|\d{1,3}) weeks",
        "routine": r"\b(?:spring|summer|autumn|winter|this year)\b"
        r"|\b(?:in|within|after)(?: \w+){0,3} (?:months?|years?)\b"
        r"|next (?:\w+ )?(?:visit|check)|routine"
        r"|\bwhen(?:ever)? (?:\w+ )?(?:suits?"
        r"|convenient)|at your convenience",
        "self_monitoring": r"keep an eye|self-monitor",
    },
    "waives": r"\bno (?:\w+ )?(?:hurry|rush|urgency|appointment)\b|\bnot (?:\w+ )?(?:urgent|rush)"
    r"|(?:\bno (?:need|reason)(?: for you)?|(?:not|n['’]t)(?: \w+)? (?:have|need)) to"
    r" (?:see|come|visit|hurry|be seen|go|consult)|need not (?:see|come|visit|hurry|be seen|go)"
    r"|can (?:safely )?(?:wait|leave|postpone)|(?:better|best) to wait|take your time"
    r"|no (?:examination|visit|referral|follow-up) is"
    r"|appointment is not|when(?:ever)? it suits|at your convenience",
    "visits": r"appointment|visit|\bsee[ns]?\b|\bcome\b|examin|\bshow\b|consult",
    "not_when": r"\bif\b|should it|\bunless\b",
    "other_time": r"\b(?:after|ago|since|again|until|result|grown|growing|noticed|later)\b",
}
