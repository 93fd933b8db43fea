"""Letters in French."""

from skinapi.care.letters.words.letter_words import LetterWords, Vocabulary
from skinapi.vision.conditions import Band

_VOCABULARY = Vocabulary(
    synonyms={
        "melanocytic_nevus": (
            "grain de beauté",
            "grains de beauté",
            "naevus",
            "nævus",
        ),
        "melanoma": ("mélanomes",),
        "basal_cell_carcinoma": ("basaliome",),
        "squamous_cell_carcinoma": ("carcinome spinocellulaire",),
        "actinic_keratosis": (
            "bowen",
            "kératose solaire",
        ),
        "benign_keratosis": (
            "kératose séborrhéique",
            "lentigo",
        ),
        "dermatofibroma": ("histiocytofibrome",),
        "vascular_lesion": (
            "angiome",
            "hémangiome",
            "angiokératome",
        ),
        "normal_skin": ("peau saine",),
    },
    numbers={
        "un": 1,
        "une": 1,
        "deux": 2,
        "trois": 3,
        "quatre": 4,
        "cinq": 5,
        "six": 6,
        "sept": 7,
        "huit": 8,
        "neuf": 9,
        "dix": 10,
        "douze": 12,
        "quinze": 15,
        "quelques": 3,
        "plusieurs": 4,
    },
    units={
        "heure": 1,
        "jour": 1,
        "semaine": 7,
        "mois": 30,
        "an": 365,
        "année": 365,
    },
    months=(
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    levels={
        Band.SELF_MONITORING: r"""
            (?:garde\w*|avoir) (?:un œil|à l'œil)|à surveiller|(?:auto-?)?surveill\w+
            observe\w* (?:la|vous)
            (?:aucun|sans|pas de|pas d')\s?(?:rendez-vous|visite|suivi|besoin|médecin)
            (?:inutile|pas|sans)(?:[ ']\w+){0,3}[ '](?:consult\w+|voir|prendre|aller|revenir)
            (?:pas|point) (?:\w+ )?(?:nécessaires?|requis\w*|obligatoires?)|facultati\w+|inutiles?
            rien (?:à|d'autre) (?:faire|à faire)|ignore\w*|oublie\w*
            (?:revenez|venez|consultez|appelez)(?: \w+)? seulement si
            laisse\w* (?:la |le |cela )?(?:tranquille|ainsi)
        """,
        Band.ROUTINE: r"""
            prochaine? (?:visite|rendez-vous|consultation|contrôle|bilan)|visite habituelle
            de routine|l'an prochain|l'année prochaine
            (?:prochains|quelques|mois qui viennent|prochain) mois|mois qui viennent
            (?:pas|rien|sans|aucune|ni|non)(?:[ ']\w+){0,3}[ '](?:urgen\w+|hâte|press\w+)
            peut attendre|à l'occasion|quand vous (?:voulez|voudrez|pourrez|aurez)
            à votre convenance|un jour ou l'autre|tôt ou tard|annuel\w*|plus tard|en temps voulu
            (?:votre|le) temps|prochaine fois|priorité (?:basse|faible)|au printemps|cet été
            en automne|cet hiver|vacances|(?:le )?mois prochain
        """,
        Band.DOCTOR_REVIEW: r"""
            semaines (?:qui viennent|à venir|prochaines)
            (?:prochaines|quelques|plusieurs) semaines|ce mois
        """,
        Band.URGENT_REFERRAL: r"""
            cette semaine|dans la semaine|jours (?:qui viennent|à venir)
            (?:prochains|quelques) jours|aujourd'hui|demain|ce soir|immédiat\w*|tout de suite
            sans (?:tarder|délai|attendre)|au plus vite|dès que possible|urgen\w+|hôpital
            sur-le-champ
        """,
    },
    urging=r"(?:hésite\w*|attende\w*|tarde\w*|oublie\w*) pas(?: à| de)?",
    reassuring=r"""
        banale?s?|anodin\w*|béni(?:n|gn)\w*|inoffensi\w+
        rien de (?:grave|dangereux|sérieux|méchant|suspect)
        (?:pas|rien|aucune?|sans|ni|non)(?:[ ']\w+){0,3}[ '](?:danger\w*|grave|gravité|suspect\w*)
        (?:pas|rien|aucune?|sans|ni|non)(?:[ ']\w+){0,3}[ '](?:malin|maligne|cancer\w*|souci|risque)
        (?:pas|rien|aucune?|sans|ni|non)(?:[ ']\w+){0,3}[ '](?:inquiét\w+|inquièt\w+|crain\w+)
        soyez (?:rassur\w+|tranquille)|rassur\w+|bonne nouvelle|aucun danger|peau saine|sain|saine
        tout va bien|dormir (?:tranquille|en paix)|(?:résultat|aspect) est normale?|mineur\w*
    """,
    negation=r"""
        (?:pas|jamais|aucun|aucune|sans|ni|ne)\b(?: [\w'-]+){0,4} ?$
    """,
    conditional=r"si|en cas|sinon|plus tôt",
    past=r"""
        il y a|précédent\w*|antérieur\w*|avant|ancien\w*|dernière?|depuis|auparavant|passé\w*
    """,
    of_the_model=r"""
        modèle|logiciel|programme|ordinateur|contrôle|algorithme|calcul\w*|automatique|ia
        probabilités?
    """,
    claim=r"""
        vous avez|patiente? a|souffr\w+|c'est|il s'agit|(?:tache|lésion) est|diagnostic|montre
        confirme|signifie|prouve
    """,
    found=r"(?:a été|est) (?:trouvée?|présente?|diagnostiquée?|vue?|détectée?)",
    hedge=r"""
        probabl\w+|possibl\w+|peut-être|pourrait|peut|semble\w*|évo\w+|suspect\w*|pas|compatible
        si|s'ils?|risque|score|ressembl\w+|hypothèse|vraisembl\w+|plus|probabilité
    """,
    certain=r"""
        certain\w*|certitude|confirm\w+|prouv\w+|sans (?:aucun )?doute|aucun doute|à coup sûr
        sûrement|assurément|garanti\w*|formel\w*|établi\w*|catégorique\w*
    """,
    laboratory=r"laboratoires?|biops\w+|histolog\w+|pathologi\w+|prélèvements?|au microscope",
    excluded=r"""
        exclu\w*|exclut|écart\w+|pas|aucun|aucune|sans|ni|plutôt que|absence|n'
    """,
    not_excluded=r"""
        (?:pas|jamais|ne (?:peut|peuvent|saurait))(?: pas| encore| être| totalement)* exclu\w*
        (?:pas|jamais|ne (?:peut|peuvent|saurait))(?: pas| encore| être| totalement)* écart\w+
        (?:rien|aucun\w*|personne)(?: [\w']+){0,6} (?:avec certitude|certain\w*)
        exclure|écarter|pas (?:certain|sûr|connu|clair|un diagnostic|attendre|que)
        sans (?:tarder|délai|attendre)|aucun diagnostic
    """,
    cancer=r"""
        (?:est|a|avez|montre|signifie|confirme|indique|d'un|d'une)(?:[ ']\w+){0,3}[ ']cancer\w*
        (?:est|a|avez|montre|signifie|confirme|indique|d'un|d'une)(?:[ ']\w+){0,3}[ ']maligne?
        (?:est|a|avez|montre|signifie|confirme|indique|d'un|d'une)(?:[ ']\w+){0,3}[ ']tumeurs?
    """,
    disease=r"""
        \w{3,}(?:carcinome|sarcome|phome|mycose|mycoses)
        \w{3,}(?:dermatose|fibrose|sclérose|tuberculose|iasis)
        \w{3,}(?:rmatite|lulite|iculite|rthrite|hépatite)|leuc\w+|métasta\w+|psoria\w+|eczéma\w*
        verrues?|lupus|herpès|teigne|kystes?|abcès|zona|rosacée|couperose|acné|gale|lèpre
        syphilis|vih|sida|diabète|infect\w+|champignons?|allerg\w+|impétigo|follic\w+|inflam\w+|vitiligo|pelade
        furoncles?|ulcères?|brûlures?|piqûres?|urticaire|éruptions?|cicatrices?|chéloïdes?
        ampoules?|porphyrie|sclérodermie|merkel|paget|kaposi|goutte|anémie|lipomes?
        neurofibromes?|sarcomes?|lymphomes?|mycoses?|dermatites?|granulomes?
    """,
    no_disease=r"carcinomes?",
    medicine=r"""
        médicaments?|comprimés?|cachets?|crèmes?|pommades?|gels?|lotions?|antibiotiques?
        corticoïdes?|cortisone|hydrocortisone|imiquimod|fluorouracile|aspirine|ibuprofène
        paracétamol|chimiothérapie|radiothérapie|injections?|prescri\w+|ordonnances?|doses?
        posologie|cryothérapie
    """,
    fraction=r"""
        la moitié|un tiers|deux tiers|un quart|trois quarts
        [\w-]+ pour ?cent|\w+ fois (?:plus|moins)|double|triple
    """,
    out_of=r"sur|parmi|chance sur|cas sur|personne sur",
    score=r"score de malignité|score malin",
    points=r"points?|liste",
    pathway=r"filière|nice ng12",
    and_=r"(?<!\d)[,;:](?!\d)|[,;] | et | mais | tandis que | alors que | ou ",
    title=r"\b(?:M\.|Mme|Mlle|Monsieur|Madame|Dr|Docteure?|Pr|Maître)\b\.? +[A-ZÉÈ]\w+",
    after_name=r"devrait|doit|a|est|était|peut|sera|va|vient|souhaite|demande|,",
    first_words="""
        à actuellement arrondi arrondie ceci afin ainsi alors après au aucun aucune aujourd'hui
        aussi aux avant avec bien bonjour car ce cela celle celui ces cet cette chaque cher
        chère cinq comme compte consulter contrairement d'abord d'après dans de demain depuis
        des deux dix du d'ici elle elles en encore enfin ensuite entre est et faire faites grâce
        huit ignorez il ils inutile je jusqu'à l'analyse la laissez l'image le les leur l'examen
        lors l'ordinateur ma mais malgré même merci mes mieux moi mon montrez n'attendez ne
        néanmoins neuf ni nous on or oubliez ou où oui par parlez parmi patient patiente pendant
        peu plus pour pourtant pourquoi prenez près puis quand quant que quel quelle quelques
        qui quoi quoique rien rassurez sa sachez sans sauf selon sept ses seul seule si six soit
        son sous soyez suite sur surtout surveillez tant tous tout toute toutefois toutes très
        trois un une veuillez vos votre voici voilà vous y dermatologue médecin modèle logiciel
        lésion tache photo résultat rapport contrôle cordialement probabilité gardez s'agit
        c'est cliniquement dermoscopie exérèse biopsie diagnostic conclusion avis l'urgence
        l'avis l'aspect aspect qu'il évitez retenez gardons restez heureusement malheureusement
        calculée calcul n'oubliez
    """,
)
FRENCH = LetterWords(
    to_patient="Bonjour {patient},",
    to_colleague="Cher confrère, chère consœur,\n\nIl s'agit de {patient}.",
    about="La photo du {date} porte le numéro {number}.",
    closing="Cordialement\n{doctor}",
    vocabulary=_VOCABULARY,
)
