"""Words by which the sentences of English letters are checked. `Vocabulary` of
care/letters/words.py says how each is read.
"""

from skinapi.words.en.days import DAYS
from skinapi.words.en.letters import DISEASES, FIRST_WORDS, MEDICINES, NUMBERS

VOCABULARY = {
    "synonyms": {
        "melanocytic_nevus": ("mole", "moles", "naevus", "nevus", "naevi", "nevi"),
        "melanoma": ("melanomas",),
        "basal_cell_carcinoma": ("basalioma", "rodent ulcer", "basal cell cancer"),
        "squamous_cell_carcinoma": ("squamous cell cancer", "spinalioma"),
        "actinic_keratosis": ("bowen", "solar keratosis"),
        "benign_keratosis": ("seborrhoeic keratosis", "seborrheic keratosis", "lentigo"),
        "dermatofibroma": ("histiocytoma",),
        "vascular_lesion": ("angioma", "hemangioma", "haemangioma", "angiokeratoma"),
        "normal_skin": ("healthy skin",),
    },
    "numbers": NUMBERS,
    "vague": {
        "couple of": 2,
        "a couple of": 2,
        "few": 3,
        "a few": 3,
        "several": 4,
        "some": 4,
        "many": 9,
    },
    "units": {
        "hour": 1,
        "day": 1,
        "week": 7,
        "fortnight": 14,
        "month": 30,
        "year": 365,
        "quarter": 91,
        "season": 91,
        "semester": 182,
        "decade": 3650,
        "century": 36500,
    },
    "months": DAYS["months"],
    "levels": {
        "self_monitoring": r"""
            no (?:appointment|visit|follow-?up|further|reason to see|doctor)
            keep(?:ing)? (?:an eye|watching)|watch(?:ful waiting|ing it| it| the spot)
            ignor(?:e|ing)|never mind|let (?:it|this) go|leave well|self-?monitor\w*
            monitor\w* (?:it |the spot )?(?:at home|yoursel\w+)|no need(?! to (?:hurry|rush|worry))
            (?:not|needless|unnecessary)(?: \w+){0,4} (?:see|visit|consult|contact|show|book|seek)
            (?:not|needless|unnecessary)(?: \w+){0,4} (?:appointment|act)
            (?:not|needless|unnecessary)(?: \w+){0,4} return
            (?:not|needless|unnecessary)(?: \w+){0,4} do anything(?! else (?:before|until))
            nothing (?:more |further |else )?(?:to do|needs|is needed|has to|need|left to)
            forget about|leave (?:it|this|that|the \w+)|let (?:it|this|that|the spot) be|optional
            not (?:\w+ )?(?:necessary|needed|required)|unnecessary|needless
            (?:return|back|come|go|call) only if
        """,
        "routine": r"""
            next (?:[\w']+ ){0,2}(?:visit|appointment|check-?up|consultation)|routine|next year
            next month|(?:coming|next few|following) months
            no (?:need to |\w+ )?(?:hurry|rush|urgency|time pressure)|wait and see|whenever
            last on your|(?:not|nothing|neither)(?: \w+){0,3} (?:urgent|hurry|rush|pressing)
            non-urgent|can (?:safely )?wait|conveni\w+|at some (?:point|stage|time)|sometime
            eventually|annual\w*|yearly|in due course|take your time|later|holidays?|low priority
            plenty of time|all the time|next time|need not hurry
            in the (?:spring|summer|autumn|winter)|(?:can|may|could) (?:\w+ )?wait
        """,
        "doctor_review": r"""
            (?:coming|next(?: few)?|following|few|several) weeks|this month
            within (?:a|one|the) month
        """,
        "urgent_referral": r"""
            this week|within (?:the|a|one) week|(?:coming|next(?: few)?|few) days|today|tomorrow
            tonight|within the hour|this (?:minute|second|instant)|on the spot|straight to
            immediate(?:ly)?|at once|(?:straight|right) ?away|without (?:any |further )?delay
            as soon as possible|urgent(?:ly)?|emergency|hospital|a and e|right now
        """,
    },
    "delaying": r"""
        disregard\w*|false alarm|exaggerat\w+|over-?cautious|over-?react\w*
        (?:throw|bin|tear|shred|delete)\w*(?: \w+){0,3} (?:away|letter|result|up|message)
        spare yourself|save yourself|(?:put|get) it out of|do not give it
        brush\w* (?:it |this )?aside|move on|close the file|off your (?:list|mind)|no heed
        out of your (?:mind|head)|do(?:es)? not (?:matter|count)
        of no (?:importance|consequence|significance|interest)|(?:means|meaning) (?:nothing|little)
        meaningless|irrelevant|keep your money|watchful \w+|no difference
        not change (?:anything|a thing|much)|changes? nothing
        (?:far|much|way) too (?:high|cautious|strict|careful)|mistaken|in error|unreliable
        (?:no|any) notice|cancel\w*|skip\w*|call(?:ed)? off|stay (?:at )?home
        (?:only|just) (?:come|call|go|return)\b(?: \w+){0,4} (?:if|when|once)
        (?:only|just) (?:ring|see|show|visit)\b(?: \w+){0,4} (?:if|when|once)
        unless it (?:\w+ )?(?:hurts|bleeds|grows|itches|changes|bothers)
        no (?:appointment|visit|follow-?up|further|reason to see|doctor)|thing of the past
        (?:wants|needs) watching|hold off|sit tight
        (?:until|till|unless|when|once) it (?:\w+ )?(?:hurts|bleeds|grows|itches|bothers)
        (?:let us|let's|we will|we'll) see(?! (?:a|the|your))|see how (?:it|this|things|the)
        postpon\w+|put(?:ting)? (?:it|this|that|the \w+) off|put off|defer\w*|delay(?:ed|ing)?
        reschedul\w*|any ?time|one of these days
        when(?:ever)? (?:you|it|that)(?: \w+){0,2} (?:like|want|wish)
        when(?:ever)? (?:you|it|that)(?: \w+){0,2} (?:feel|suits?|please|happen\w*)
        when(?:ever)? (?:you|it|that)(?: \w+){0,2} have (?:\w+ )?time
        when(?:ever)? (?:you|it|that)(?: \w+){0,2} (?:pass\w*|are (?:here|there))
        after the (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        after your (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        after my (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        after our (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        after his (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        after her (?!visit|exam|appoint|consult|oper|proced|biops|sampl|result|test|doct)\w+
        (?:enjoy|finish|complete|take|do|have)(?: \w+){0,4} first
        first (?:enjoy|finish|complete|take)|(?:in|all in) good time|give it (?:time|a)|sleep on it
        down the (?:line|road)|by and by|hold fire|back from|when you (?:return|get back)
        at some stage|no priority
        (?:meet|see (?:you|each other|it)|talk|speak|look|check|discuss it) again
        (?:early|soon|good|time) enough|(?:is|will be|would be) (?:enough|sufficient)|will do
        (?:is|be) fine (?:too|as well|until)|for the time being|not bother(?! you)|in your own time
        some other (?:time|day)|some ?day|only (?:when|once|after)
        (?:can|may|could|should|might|to|us|just|better|please) (?:\w+ )?wait
        wait (?:until|till|for (?:it|the spot)|before|a|some|another)
    """,
    "urging": r"""
        (?:not|never)(?: be)? left|not replace
        (?:not|never) wait (?:until|till|for) (?:it|this|the \w+)(?: to)?(?: \w+)?
        (?:not|never)(?: be)? (?:wait|hesitate|delay\w*|forget)
        (?:not|never)(?: be)? (?:ignored?|cancel\w*|postponed?|miss\w*)
        (?:not|never)(?: be)? (?:skip\w*|put(?: \w+){0,2} off|enough)
        (?:not|never)(?: be)? (?:sufficient|deferred|safe to wait)
    """,
    "reassuring": r"""
        harmless|benign|innocent|innocuous|ordinary|safe(?:ly)?|healthy|healthily|fit as \w+
        all[- ]clear|in the clear|(?:free|clear) of|cancer-free|reassur\w+
        (?:good|great|excellent|happy) news|sleep (?:well|peacefully|soundly)|rest assured
        (?:put|set) your mind|at ease|peace of mind|relax\w*|keep calm|calm down|minor|trivial
        insignificant|unimportant|no big deal|(?:all|everything)(?: \w+){0,2} well|lucky|luckily
        fortunately|all right|alright|cosmetic
        (?:happy|glad|pleased|relieved|delighted) to (?:say|tell|report|inform|confirm)
        it is nothing
        (?:is|it's|that's|are|was|looks like) (?:just|only|merely|simply|nothing (?:but|more than))
        (?:go|goes|going|went|gone) away|vanish\w*|fade[sd]?|fading|disappear\w*|clears? up|be gone
        (?:by|of) itself|on its own|cured?|recovered|matter is closed|case is closed|over and done
        (?:go|carry|keep) on \w+ing|(?:live|continue|go on)(?: \w+){0,3} as (?:before|usual|normal)
        enjoy\w*|not sick|not ill|well-behaved|(?:not |no )?(?:lose|losing) (?:any |no |your )?sleep
        (?:result|test)s? (?:is|was|are|were) negative|heart at rest|light heart\w*|lightly
        bit of luck|falls? off
    """,
    "looking": r"""
        is|are|was|were|be|it's|(?:came|comes?|coming) back|looks?|looked|seems?|appears?|all
        everything
    """,
    "fine": r"""
        fine|ok|okay|normal(?! to)|good|great|in order|clean|encouraging|promising|excellent
        wonderful|superb|favourable|satisfactory|unremarkable|spotless|stable|unchanged
        perfectly \w+|fabulous|nice|as it should|negative|clear|perfect
    """,
    "danger": r"""
        danger\w*|harm(?:ful|s|ed|ing)?|hazard\w*|threat\w*|risk\w*|serious\w*|severe|bad|sinister
        suspicious|suspicion|malignan\w+|cancer\w*|tumou?rs?|alarm\w*|concern(?:s|ed|ing)?|worr\w+
        fear\w*|afraid|panic\w*|anxi\w+|nervous|frighten\w*|scar(?:e|y|ed)|trouble|problem\w*|grave
        abnormal\w*|unusual|wrong|evil|deadly|fatal|lethal|alarm|reason to|sign|signs|evidence
        indication|cause|grounds|alarming|dramatic|critical|ominous|nasty|troubl\w+|complications?
    """,
    "improbable": r"""
        unlikely|improbable|inconceivable|close to (?:zero|nothing|nil)|surpris\w+|astonish\w+
        i doubt|doubtful|i (?:do|can|could|would) not (?:believe|think|imagine|see|expect)
        in my (?:opinion|experience|view)
        (?:most|nearly all|almost all|majority)(?: of)? (?:moles|cases|them|those|us|lesions)
        (?:hundreds|thousands|dozens|plenty|lots)(?: of)? (?:moles|cases|them|those|us|lesions)
        everybody|everyone|hardly anyone|(?:only|just|very) (?:a )?few of|few of (?:these|them|such)
        not one|hardly any|scarcely any|(?:at|for) your age|too (?:young|old) (?:for|to)
        to be expected|part of (?:ageing|aging|life)|comes? with age|next to (?:zero|nothing)
        (?:almost|virtually|practically|nearly) (?:no|none|never|nobody|impossible|excluded)
        fifty-fifty|not one of|(?:crossed|struck|ticked) (?:off|out)|off the list
        (?:round|rounded) (?:\w+ ){0,3}down|miracle|in your favour|on your side
        (?:most|nearly all|almost all|majority|hundreds)(?: of)? (?:these|such|spots)
        (?:thousands|dozens|plenty|lots|millions)(?: of)? (?:these|such|spots)
        (?:many) (?:live|have|lived|get)
    """,
    "chance": r"chances?|risks?|probability|likelihood|danger|odds|possibility",
    "small": r"""
        tiny|small|low|slim|remote|minimal|negligible|slight|little|zero|minute|faint|nil|nothing
        thousand|million|vanishing\w*|extremely rare
    """,
    "fate": r"""
        ambulance|funeral|your will|too late|no hope|inoperable|advanced|aggressive|stage|contagious
        (?:caused|triggered|provoked) by|comes? from|due to|hereditary|inherited|stress|hormon\w+
        die[sd]?|dying|deaths?|dead|killed|kills?|was removed|been removed|taken off|life expectancy
        surviv\w+|incurable|hopeless|terminal
        (?:has|have|is|are|was|were|had)(?: \w+)? (?:spread|spreading)|lymph nodes?|livers?|lungs?
        brain|bones?|kidneys?|left behind|(?:rest|part|remains) of the (?:tumou?r|cancer)
        (?:turn|turns|turned|develop\w*|evolve\w*|grow|grows|change|changes)(?: \w+)? into
        (?:become|becomes|became|becoming)(?: a| an)? (?:cancer\w*|malignan\w+|dangerous|NAME)
        (?:will|never|can not) (?:stay|remain|change|get (?:\w+ )?cancer)
        (?:bad|terrible|sad|grim) news|the worst
    """,
    "negation": r"(?:not|no|never|without|nobody|none|neither|nor)\b(?: [\w-]+){0,4} ?$",
    "negating": r"""
        not|no|never|nobody|no one|nothing|none|neither|nor|without|hardly|scarcely|barely|needless
        rarely|seldom|unnecessary|superfluous|pointless|useless|unneeded|redundant|waste
        over-?cautious|excessive|overdone|spare yourself|refrain|avoid\w*|instead of|rather than
        free|less|premature|luxury|overkill|unwarranted|busy|more important|better things|the same
        more urgent
    """,
    "visiting": r"""
        doctors?|physicians?|gp|dermatologists?|specialists?|surgeons?|hospitals?|clinics?|practice
        appointments?|visits?|visiting|consult\w*|examin\w+|check(?:s|ed|ing|-?ups?)?|refer\w*
        anybody|anyone|somebody|someone|second opinion|come|coming|return\w*|act(?:ion|ing)?
        measures?|steps?|follow-?ups?|show(?:ing)? (?:it|this|the spot)|book\w*|expert
        look(?:ed|ing)? at|be seen|do anything|doing anything|be done|make (?:any )?plans
    """,
    "watching": r"look\w*|watch\w*|check\w*|eye|observ\w*|monitor\w*",
    "treating": r"""
        remov\w+|operat\w+|surgery|treat\w*|excis\w+|biops\w+|tests?|testing|sampl\w+|therap\w+
    """,
    "unasserted": r"""
        if (?:nobody|no one|none|nothing)(?: \w+){0,4}
        not(?: \w+){0,2} (?:say|tell|know)(?: \w+){0,4} (?:if|that|what|more)(?: \w+){0,12}
        not(?: \w+){0,2} (?:decide|judge|promise)(?: \w+){0,4} (?:if|that|what|more)(?: \w+){0,12}
        (?:nobody|no one|none|neither|nothing)(?: \w+){0,5} (?:say|tells?|know|decide)(?: \w+){0,12}
        not(?: \w+){0,2} (?:mean|prove)(?: \w+){0,2} that(?: \w+){0,12}
        (?:nobody|no one|none|neither|nothing)(?: [\w']+){0,6} (?:for )?certain(?:ly|ty)?
        too (?:early|soon) to (?:say|tell|know)(?: [\w']+){0,12}|whether(?: [\w']+){0,8}
        only(?: [\w']+){0,6} (?:can|will|could) (?:show|tell|say|prove|decide)(?: [\w']+){0,8}
        (?:not|never)(?: yet| completely| entirely| fully| safely| be)* (?:ruled? out|excluded?)
        not (?:yet )?(?:been )?(?:proven|proved|confirmed|established|final)
        not (?:yet )?(?:been )?(?:settled|seen|examined|met|heard)
        not (?:be )?(?:sure|certain|known|clear|a diagnosis|a final|an? all-clear|without|only|just)
        no (?:diagnosis|all-clear|substitute|replacement|guarantee)|neither good nor bad|make sure
        (?:can|could|do|does|may|might|must|should) not (?:replace|hesitate|wait)
        (?:can|could|do|does|may|might|must|should) not (?:delay|put|ignore|cancel)
        not (?:hesitate|wait|delay\w*|ignore\w*|cancel)
        not (?:postpone\w*|miss|skip|forget|rely|safe to wait)|not (?:try|use|scratch|cut|squeeze)
        not (?:treat|apply|take (?:this|it)|be put off|enough|sufficient)
        (?:may|might|could) (?:turn out )?not(?: to)? be|if (?:[\w']+ ){1,3}not(?: [\w']+){0,4}
        even (?:if|though|when) (?:[\w']+ ){1,5}not(?: [\w']+){0,3}
        (?:anything|nothing) else (?:before|until)|no (?:family |known )?history of NAME|not always
        not be left|to be (?:confirmed|proven|proved|shown|established)
        without (?:any |further )?delay|not give up|not be (?:afraid|ashamed) to
    """,
    "conditional": r"if|should it|should the spot|in case|unless|sooner|earlier",
    "past": r"ago|earlier|previous(?:ly)?|before|older|last|since|past",
    "of_the_model": r"""
        model|software|program|computer|check|algorithm|calculation|automatic|automated|ai
        probabilit\w+
    """,
    "claim": r"""
        you have|you've got|patient has|suffer\w* from|this is|it is|that is|spot is|lesion is
        diagnosis (?:is|of)|it's|that's|results? (?:is|shows?)|shows?|confirms?|means|proves
    """,
    "found": r"(?:was|is|were|has been) (?:found|present|diagnosed|seen|detected)",
    "hedge": r"""
        none|nothing|likely|probabl\w+|possibl\w+|perhaps|maybe|may|might|could|suspect\w*|suspicion
        suggest\w*|not|no|compatible|consistent|whether|if|rule|chance|score|risk|looks?|resembl\w+
        named?|most
    """,
    "certain": r"""
        (?:trust|believe) me|i (?:promise|assure|bet)|my word|once and for all|clear-cut
        without question|(?:we|i|you) can (?:count|rely) on|experience (?:shows|tells|says|teaches)
        settled|evident(?:ly)?|definite\w*|certain(?:ly|ty)?|confirm(?:s|ed)|proven?|proves
        undoubted(?:ly)?|beyond doubt|without (?:a |any )?doubt|no doubt|for sure|surely
        guarantee\w*|established|conclusive(?:ly)?|unequivocal\w*|sure|reliable|out of the question
        impossible|no question|already know\w*|(?:we|doctors) know (?:that|it|for)
        i know (?:that )?it|convinced|can not (?:be|become)|positive (?:that|about)
        hundred per ?cent|100 ?%|clearly|obviously|indisputabl\w+|whatever the
    """,
    "laboratory": r"""
        laborator\w+|lab|biops\w+|histolog\w+|patholog\w+|samples?|slides?|under the microscope
    """,
    "excluded": r"""
        (?:ruled?|rules|ruling) out|exclud\w+|not|no|without|free of|rather than|instead of
        absence of|unlikely|unfounded|groundless|baseless
    """,
    "pending": r"""
        still|being|awaited|awaiting|wait\w*|sent|send|sending|took|take|taken|takes|until
        as soon as|when|once|will|would|hear|heard|if|has to|have to|needs?|must|tell|ask|time
    """,
    "general": r"""
        kinds?|types?|forms?|usually|rarely|often|sometimes|can|may|might|could|would|should|treated
        grows?|slowly|called|most common|similar|like|patterns?|had|about|against|history|anyone
        information|word|means
    """,
    "counted": r"""
        (?:of the |possible |other |more |small |new )*(?:photos?|photographs?|pictures?)
        (?:of the |possible |other |more |small |new )*(?:spots?|conditions?|possible)
        (?:of the |possible |other |more |small |new )*(?:ways?|reasons?|things?)
        (?:of the |possible |other |more |small |new )*(?:questions?|doctors?|letters?)
    """,
    "outcome": r"""
        found|shows?|showed|shown|saw|clear|confirm\w*|negative|positive|normal|nothing|healthy
        clean|good|fine|reported|proved|proves|exclud\w+|said|back|arrived|benign|malignant|cancer
    """,
    "claiming": r"""
        is|are|was|has|have|had|shows?|showed|means|confirm\w*|indicates?|with|found|detected
        diagnosed|it's|you've|got
    """,
    "cancer": r"cancer\w*|tumou?rs?|malignan\w+|carcinoma",
    "disease": DISEASES,
    "no_disease": r"""
        diagnos[ei]s|prognosis|carcinomas?|keratos[ei]s|those|whose|purpose|suppose|dose|choose
        close|lose
    """,
    "medicine": MEDICINES,
    "no_medicine": r"""
        (?:mention|list of|tell|note|bring)(?: \w+){0,5} (?:medicines?|tablets?|drugs?|medication)
        sun[ -]?(?:cream|screen|lotion)s?
        (?:medicines?|medication|drugs?)(?: that)? you (?:use|take)
    """,
    "time_words": r"""
        days|weeks?|months?|years?|quarters|seasons?|decades?|centur\w+|semesters?|moons?|ages
        spring|summer|autumn|winter|christmas|easter|holidays?|vacations?|new year|birthday|weekend
        trip|journey|wedding|harvest|exams|school|ramadan|whitsun|pentecost|leaves have|snow
        generation|term|semester|january|february|april|june|july|august|september|october|november
        december|retire\w*
        (?:in|by|until|till|before|after|mid|early|late|of|since|to|for|next) (?:may|march)
    """,
    "statement": r"is|are|not|never|your|you|does|must|should|was|it's",
    "fraction": r"""
        half|\w+ (?:quarters|thirds|fifths|tenths)|(?:one|a)[ -](?:third|quarter)|two[ -]thirds
        three[ -]quarters|\w+ per ?cent|twice|double|triple|tenfold|\w+ times (?:more|as|higher)
    """,
    "out_of": r"in|out of|of|in every|out of every|to",
    "score": r"malignan(?:t|cy) score|score of malignancy",
    "points": r"points?|checklist",
    "pathway": r"pathway|nice ng12",
    "apart": r"but|and|so|because|since|although|though|even if|if|while|please|until",
    "and_": r"(?<!\d)[,;:](?!\d)|[,;] | and | but | while | whereas | or ",
    "title": r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Doctor|Sir|Madam|Nurse)\b\.? +[A-Z]\w+",
    "after_name": r"should|must|has|had|is|was|needs?|can|will|may|came|told|asked|said|,",
    "first_words": FIRST_WORDS,
}
