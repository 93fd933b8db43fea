"""Letters in English: our own sentences of a draft, and the long lists of words that letters are
checked for.
"""

LETTERS = {
    "to_patient": "Dear {patient},",
    "to_colleague": "Dear colleague,\n\nThis is about your patient {patient}.",
    "about": {
        "patient": "This letter is about your spot{spot}, photographed on {date}.",
        "colleague": "The spot{spot} was photographed on {date} (finding {number}).",
    },
    "spot": {"named": " “{name}”", "placed": " ({place})"},
    "decided": {
        "sure": "Here is my decision of {date}: {name}.",
        "awaited": "Here is what I suspect, as of {date}: {name}.",
        "unsure": "Here is my opinion of {date}, which is not certain: {name}.",
        "result": "The laboratory's result is here. I decided by it on {date}: {name}.",
        "open": "On {date} I could not say yet what the spot is.",
    },
    "decided_by": {
        "sure": "Here is the decision of {by} of {date}: {name}.",
        "awaited": "Here is what {by} suspects, as of {date}: {name}.",
        "unsure": "Here is the opinion of {by} of {date}, which is not certain: {name}.",
        "result": "The laboratory's result is here. {by} decided by it on {date}: {name}.",
        "open": "On {date} {by} could not say yet what the spot is.",
    },
    "it_is": {
        "sure": "the spot is {name}",
        "awaited": "the spot looks like {name}",
        "unsure": "the spot may be {name}",
        "result": "the spot is {name}",
    },
    "elsewhere": "What counts now was said on {date} about another photo of this spot.",
    "replaced": {
        "own": "Of this photo alone I said on {date}: {name}. What this letter begins with counts "
        "in its place.",
        "other": "Of this photo alone {by} said on {date}: {name}. What this letter begins with "
        "counts in its place.",
        "check": "Of this photo alone the check said on {date}: {name} What this letter begins "
        "with counts.",
        "colleague": "Of this photo alone, replaced since: {said}",
    },
    "due": "Do this by {date} at the latest.",
    "concluded": {
        "sure": "Doctor's decision of {date} ({by}): {name}.",
        "awaited": "Doctor's opinion of {date} ({by}), to be confirmed: {name}.",
        "unsure": "Doctor's opinion of {date} ({by}), not certain: {name}.",
        "result": "Laboratory's result of {date} (histology, {by}): {name}.",
    },
    "photo_wanted": "Another photo of the spot was asked for.",
    "undecided": "No doctor has decided yet.",
    "urgency": "Urgency: {label}. {action}",
    "model": {
        "decided": "The model's answer of {date}, earlier than the decision: {names}.",
        "unjudged": "The model's answer of {date}, of a photo that could not be judged: {names}.",
        "undecided": "The model's answer of {date}: {names}.",
    },
    "closing": "Kind regards\n{doctor}",
}

DISEASES = r"""
    \w{3,}(?:omas?|osis|oses|itis|iasis)|cancer of \w+|leuk\w+|metasta\w+|psoria\w+|eczema
    warts?|lupus|herpes|ringworm|cysts?|abscess\w*|shingles|rosacea|acne|scabies|leprosy
    syphilis|hiv|aids|diabetes|infect\w+|fung\w+|allerg\w+|allergic|impetigo|follic\w+|inflam\w+
    vitiligo|alopecia|boils?|ulcers?|burns?|bites?|hives|rash\w*|skin tags?|keloids?|blisters?
    freckles?|birthmarks?|pimples?|bruises?|insects?|mosquito\w*|sunburns?|blackheads?
    splinters?|callus\w*|age spots?|liver spots?|stains?|calluses|corns?|mites?|ticks?|porphyria
    scleroderma|merkel\w*|paget\w*|kaposi\w*|gout|anaemia|anemia|bitten|stung
"""
MEDICINES = r"""
    medicines?|medications?|drugs?|tablets?|pills?|creams?|ointments?|gels?|lotions?
    antibiotics?|steroids?|cortisone|hydrocortisone|imiquimod|fluorouracil|aspirin|ibuprofen
    paracetamol|chemotherapy|radiotherapy|radiation|injections?|prescri\w+|doses?|dosage
    cryotherapy|plasters?|bandages?|disinfect\w*|surgery|surgeons?|operat(?:ion|ions|e|ed)
    lasers?
    (?:freez|burn|scrap|squeez|scratch|cut|snip|tear|pull|pick)\w*(?: \w+){0,3} (?:off|out|away)
    burnt off|frozen off|razor\w*|blades?|oils?|vinegar|honey|garlic|alcohol|iodine|salve
    remed(?:y|ies)|sprays?|powder|vitamins?|homeopath\w*|beauticians?
    (?:take|cut|burn|shave) (?:it|this|the spot) off|lemon\w*|coconut|turmeric|baking soda
    toothpaste|ice|needle|knife|scissors|tape|thread|herbs?|pharmac\w+|chemist\w*
    over the counter|home (?:kit|treatment|remed\w+)|rub|dab|smear|soak|tie
    (?:treat|remove|cut|burn|freeze|take)(?: \w+){0,3} (?:yourself|at home)|herbal|acid|peeling
    salons?|chemo|immunotherapy|transplant\w*|amputat\w+|tattoo\w*|pumice
"""
FIRST_WORDS = """
    a about according actually after again all also although among an and another any are as
    ask at based be because before best between both bring but by call can certainly
    clinical compared computer consider contact could dear definitely despite did do doctors
    does during each early either even every examination examine figures finally find first
    following for forget from further given go good had has have here he histology how
    however i if ignore immediately in indeed instead is it its just keep kind later leave
    let like look many may meanwhile melanocytic mention moreover most much my neither never
    nevertheless next no none not nothing now of often on once one only or other otherwise
    our out overall patient patients photograph please probability put rather really relax
    rest see several she should show since skin so some soon specialist still such sun take
    thank that the their then there therefore these they this those though thus to today
    together tomorrow try two under unfortunately unless until up urgent urgently use
    usually very wait was watch we well were what when where whether which while who why
    will with within without would yes you your yours clinically dermatology dermatologist
    doctor dermoscopy dermoscopically excision biopsy referral review routine model software
    report result results lesion spot photo picture check nine eight seven six five four
    three ten half regards sincerely everything something anything nobody everybody someone
    sooner additionally differential diagnosis diagnoses conclusion summary recommendation
    monday tuesday wednesday thursday friday saturday sunday assessment automated automatic
    calculated rounded don't can't it's
"""
_ONES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def _numbers() -> dict[str, float]:
    ones = {word: count for count, word in enumerate(_ONES.split(), 1)}
    tens = {word: 10 * count for count, word in enumerate(_TENS.split(), 2)}
    more = {
        f"{ten}{between}{one}": tens[ten] + ones[one]
        for ten in tens
        for one in _ONES.split()[:9]
        for between in " -"
    }
    dozens = {"dozen": 12, "a dozen": 12, "half a dozen": 6}
    parts = {"a": 1, "an": 1, "half a": 0.5, "half an": 0.5, "one and a half": 1.5}
    large = {"hundred": 100, "a hundred": 100, "one hundred": 100, "thousand": 1000}
    return {**ones, **tens, **more, **dozens, **parts, **large}


NUMBERS = _numbers()
