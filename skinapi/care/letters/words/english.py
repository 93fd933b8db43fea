"""Letters in English."""

from skinapi.care.letters.words.letter_words import LetterWords, Vocabulary
from skinapi.vision.conditions import Band

_VOCABULARY = Vocabulary(
    synonyms={
        "melanocytic_nevus": (
            "mole",
            "moles",
            "naevus",
            "nevus",
            "naevi",
            "nevi",
        ),
        "melanoma": ("melanomas",),
        "basal_cell_carcinoma": (
            "basalioma",
            "rodent ulcer",
            "basal cell cancer",
        ),
        "squamous_cell_carcinoma": (
            "squamous cell cancer",
            "spinalioma",
        ),
        "actinic_keratosis": (
            "bowen",
            "solar keratosis",
        ),
        "benign_keratosis": (
            "seborrhoeic keratosis",
            "seborrheic keratosis",
            "lentigo",
        ),
        "dermatofibroma": ("histiocytoma",),
        "vascular_lesion": (
            "angioma",
            "hemangioma",
            "haemangioma",
            "angiokeratoma",
        ),
        "normal_skin": ("healthy skin",),
    },
    numbers={
        "a": 1,
        "an": 1,
        "one": 1,
        "two": 2,
        "three": 3,
        "four": 4,
        "five": 5,
        "six": 6,
        "seven": 7,
        "eight": 8,
        "nine": 9,
        "ten": 10,
        "twelve": 12,
        "couple of": 2,
        "few": 3,
        "a few": 3,
        "a couple of": 2,
        "several": 4,
        "half a": 1,
    },
    units={
        "hour": 1,
        "day": 1,
        "week": 7,
        "fortnight": 14,
        "month": 30,
        "year": 365,
    },
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    levels={
        Band.SELF_MONITORING: r"""
            keep(?:ing)? (?:an eye|watching)|watch(?:ful waiting|ing it| it| the spot)
            self-?monitor\w*|monitor\w* (?:it |the spot )?(?:at home|yoursel\w+)
            no (?:appointment|visit|follow-?up|further|need|reason to see|doctor)
            (?:not|needless|unnecessary)(?: \w+){0,4} (?:see|visit|consult|contact|show|book|seek)
            (?:not|needless|unnecessary)(?: \w+){0,4} (?:appointment|act|return|do anything)
            nothing (?:more |further |else )?(?:to do|needs|is needed|has to|need)|ignore
            forget about|leave it|leave the spot|optional|not (?:\w+ )?(?:necessary|needed|required)
            unnecessary|needless|(?:return|back|come|go|call) only if
        """,
        Band.ROUTINE: r"""
            next (?:[\w']+ ){0,2}(?:visit|appointment|check-?up|consultation)|routine
            next year|next month|(?:coming|next few|following) months
            no (?:\w+ )?(?:hurry|rush|urgency|time pressure)
            (?:not|nothing|neither)(?: \w+){0,3} (?:urgent|hurry|rush|pressing)|non-urgent
            can (?:safely )?wait|whenever|conveni\w+|at some (?:point|stage|time)|sometime
            eventually|annual\w*|yearly|in due course|take your time|later|holidays?
            low priority|plenty of time|all the time|next time|need not hurry
            in the (?:spring|summer|autumn|winter)
        """,
        Band.DOCTOR_REVIEW: r"""
            (?:coming|next(?: few)?|following|few|several) weeks
            this month|within (?:a|one|the) month
        """,
        Band.URGENT_REFERRAL: r"""
            this week|within (?:the|a|one) week|(?:coming|next(?: few)?|few) days|today|tomorrow
            tonight|immediate(?:ly)?|at once|(?:straight|right) ?away
            without (?:any |further )?delay|as soon as possible|urgent(?:ly)?|emergency|hospital
            a and e|right now
        """,
    },
    urging=r"not (?:wait|hesitate|delay|forget)",
    reassuring=r"""
        harmless|benign|innocent|ordinary|(?:not )?lose (?:any|no) sleep|(?:is|are) (?:all )?fine
        nothing (?:serious|dangerous|bad|to worry|to fear|sinister|suspicious)
        (?:not|no)(?: \w+){0,3} (?:dangerous|serious|suspicious)
        (?:not|no)(?: \w+){0,3} (?:malignan\w+|cancer\w*|cause for)
        (?:not|no)(?: \w+){0,3} (?:reason (?:to worry|for)|need to (?:worry|be)|worr\w+)
        (?:not|no)(?: \w+){0,3} (?:concern\w*|alarm\w*|risk)|(?:free|clear) of cancer
        cancer-free|all[- ]clear|safe|healthy|perfectly (?:normal|fine)|reassur\w+|good news
        (?:no|without|any)(?: \w+)? (?:danger|threat)|all right|all is well|result is normal
        looks? (?:normal|fine|good)|sleep (?:well|peacefully|soundly)|rest assured|put your mind
        set your mind|relax|minor|trivial
    """,
    negation=r"(?:not|no|never|cannot|without)\b(?: [\w-]+){0,4} ?$",
    conditional=r"if|should it|should the spot|in case|unless|sooner|earlier",
    past=r"ago|earlier|previous(?:ly)?|before|older|last|since|past",
    of_the_model=r"""
        model|software|program|computer|check|algorithm|calculation|automatic|automated|ai
        probabilit\w+
    """,
    claim=r"""
        you have|you've got|patient has|suffer\w* from|this is|it is|that is|spot is|lesion is
        diagnosis (?:is|of)|it's|that's|results? (?:is|shows?)|shows?|confirms?|means|proves
    """,
    found=r"(?:was|is|were|has been) (?:found|present|diagnosed|seen|detected)",
    hedge=r"""
        none|nothing|likely|probabl\w+|possibl\w+|perhaps|maybe|may|might|could|suspect\w*
        suggest\w*|not|no
        compatible|consistent|whether|if|rule|chance|score|risk|looks?|resembl\w+|named?|most
    """,
    certain=r"""
        definite\w*|certain(?:ly|ty)?|confirm(?:s|ed)|proven?|proves|undoubted(?:ly)?
        beyond doubt|without (?:a |any )?doubt|no doubt|for sure|surely|guarantee\w*|established
        conclusive(?:ly)?|unequivocal\w*
    """,
    laboratory=r"laborator\w+|lab|biops\w+|histolog\w+|patholog\w+|samples?|under the microscope",
    excluded=r"""
        ruled? out|rules out|excluded?s?|not|no|without|free of|rather than|instead of
        absence of|unlikely
    """,
    not_excluded=r"""
        (?:not|never)(?: yet| completely| entirely| fully| safely| be)* (?:ruled? out|excluded?)
        (?:none|nothing|nobody|no one|neither)(?: [\w']+){0,6} (?:for )?certain(?:ly|ty)?
        not (?:say|tell|know|decide|judge|mean)(?: [\w']+){0,6} (?:whether|if|that)
        none of (?:this|these|that)|not sure|not certain|not a diagnosis|no diagnosis|not known
        not clear|without delay|not wait|not mean
    """,
    cancer=r"""
        (?:is|has|have|shows?|means|confirms?|indicates?|with)(?: \w+){0,3} (?:cancer\w*|tumou?rs?)
        (?:is|has|have|shows?|means|confirms?|indicates?|with)(?: \w+){0,3} malignan\w+
    """,
    disease=r"""
        \w{3,}(?:omas?|osis|oses|itis|iasis)|cancer of \w+|leuk\w+|metasta\w+|psoria\w+|eczema
        warts?|lupus|herpes|ringworm|cysts?|abscess\w*|shingles|rosacea|acne|scabies|leprosy
        syphilis|hiv|aids|diabetes|infect\w+|fung\w+|allerg\w+|allergic|impetigo|follic\w+|inflam\w+|vitiligo
        alopecia|boils?|ulcers?|burns?|bites?|hives|rash\w*|skin tags?|scars?|keloids?|blisters?
        porphyria|scleroderma|merkel\w*|paget\w*|kaposi\w*|gout|anaemia|anemia
    """,
    no_disease=r"""
        diagnos[ei]s|prognosis|carcinomas?|keratos[ei]s|those|whose|purpose|suppose|dose|choose
        close|lose
    """,
    medicine=r"""
        medicines?|medications?|drugs?|tablets?|pills?|creams?|ointments?|gels?|lotions?
        antibiotics?|steroids?|cortisone|hydrocortisone|imiquimod|fluorouracil|aspirin|ibuprofen
        paracetamol|chemotherapy|radiotherapy|radiation|injections?|prescri\w+|doses?|dosage
        cryotherapy|plasters?|bandages?|disinfect\w*
    """,
    fraction=r"""
        half|(?:one|a)[ -](?:third|quarter)|two[ -]thirds|three[ -]quarters|\w+ per ?cent|twice
        double|triple|tenfold|\w+ times (?:more|as|higher)
    """,
    out_of=r"in|out of|of|in every|out of every",
    score=r"malignan(?:t|cy) score|score of malignancy",
    points=r"points?|checklist",
    pathway=r"pathway|nice ng12",
    and_=r"(?<!\d)[,;:](?!\d)|[,;] | and | but | while | whereas | or ",
    title=r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Doctor|Sir|Madam|Nurse)\b\.? +[A-Z]\w+",
    after_name=r"should|must|has|had|is|was|needs?|can|will|may|came|told|asked|said|,",
    first_words="""
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
        assessment automated automatic calculated rounded don't can't it's
    """,
)
ENGLISH = LetterWords(
    to_patient="Dear {patient},",
    to_colleague="Dear colleague,\n\nThis is about your patient {patient}.",
    about="The photo of {date} has the number {number}.",
    closing="Kind regards\n{doctor}",
    vocabulary=_VOCABULARY,
)
