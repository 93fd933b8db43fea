"""Words by which the sentences of French letters are checked. `Vocabulary` of
care/letters/words.py says how each is read.
"""

from skinapi.words.fr.days import DAYS
from skinapi.words.fr.letters import DISEASES, FIRST_WORDS, MEDICINES, NUMBERS

VOCABULARY = {
    "synonyms": {
        "melanocytic_nevus": ("grain de beauté", "grains de beauté", "naevus", "nævus"),
        "melanoma": ("mélanomes",),
        "basal_cell_carcinoma": ("basaliome",),
        "squamous_cell_carcinoma": ("carcinome spinocellulaire",),
        "actinic_keratosis": ("bowen", "kératose solaire"),
        "benign_keratosis": ("kératose séborrhéique", "lentigo"),
        "dermatofibroma": ("histiocytofibrome",),
        "vascular_lesion": ("angiome", "hémangiome", "angiokératome"),
        "normal_skin": ("peau saine",),
    },
    "numbers": NUMBERS,
    "vague": {"quelques": 3, "plusieurs": 4, "nombreux": 9, "nombreuses": 9},
    "units": {
        "heure": 1,
        "jour": 1,
        "semaine": 7,
        "mois": 30,
        "an": 365,
        "année": 365,
        "quinzaine": 14,
        "trimestre": 91,
        "saison": 91,
        "semestre": 182,
        "décennie": 3650,
        "siècle": 36500,
    },
    "months": DAYS["months"],
    "levels": {
        "self_monitoring": r"""
            (?:garde\w*|avoir) (?:un œil|à l'œil)|à surveiller|(?:auto-?)?surveill\w+
            observe\w* (?:la|vous)
            (?:aucun|sans|pas de|pas d')\s?(?:rendez-vous|visite|suivi|besoin|médecin)
            (?:inutile|pas|sans)(?:[ ']\w+){0,3}[ '](?:consult\w+|voir|prendre|aller|revenir)
            (?:pas|point) (?:\w+ )?(?:nécessaires?|requis\w*|obligatoires?)|facultati\w+|inutiles?
            rien (?:à|d'autre) (?:faire|à faire)|ignore\w*|oublie\w*
            (?:revenez|venez|consultez|appelez)(?: \w+)? seulement si
            laisse\w* (?:la |le |cela )?(?:tranquille|ainsi)
        """,
        "routine": r"""
            prochaine? (?:visite|rendez-vous|consultation|contrôle|bilan)|visite habituelle
            de routine|l'an prochain|l'année prochaine
            (?:prochains|quelques|mois qui viennent|prochain) mois|mois qui viennent
            (?:pas|rien|sans|aucune|ni|non)(?:[ ']\w+){0,3}[ '](?:urgen\w+|hâte|press\w+)|plus tard
            à l'occasion|quand vous (?:voulez|voudrez|pourrez|aurez)|à votre convenance
            un jour ou l'autre|tôt ou tard|annuel\w*|en temps voulu|(?:votre|le) temps
            prochaine fois|priorité (?:basse|faible)|au printemps|cet été|en automne|cet hiver
            vacances|(?:le )?mois prochain|(?:peut|peuvent|pouvez|pourrez|pourra) (?:bien )?attendre
        """,
        "doctor_review": r"""
            semaines (?:qui viennent|à venir|prochaines)|(?:prochaines|quelques|plusieurs) semaines
            ce mois
        """,
        "urgent_referral": r"""
            cette semaine|dans la semaine|jours (?:qui viennent|à venir)
            (?:prochains|quelques) jours|aujourd'hui|demain|ce soir|immédiat\w*|tout de suite
            sans (?:tarder|délai|attendre)|au plus vite|dès que possible|urgen\w+|hôpital
            sur-le-champ
        """,
    },
    "delaying": r"""
        épargne\w*|économise\w*|gardez (?:cela|la|le) pour|n'y pensez|sortez-vous
        n'a (?:pas |aucune )?d?'?importance|ne (?:compte pas|veut rien)
        sans (?:conséquence|importance|suite)|ne signifie rien|passez à autre chose
        jet(?:er|ez)(?: \w+){0,2} lettre|poubelle|déchire\w*
        se trompe (?:presque )?(?:toujours|souvent)|(?:ne )?changer\w* rien|peu importe
        quel(?:le)? que soit|aucune différence|trop (?:élevée?|prudente?|strict)|fausse alerte
        exagér\w+|ne (?:pas )?tene?z? (?:pas )?compte|(?:pas|aucun) (?:tenir )?compte|annul\w+
        décommand\w+|restez chez vous
        (?:ne )?(?:revene\w*|vene\w*|consulte\w*|appele\w*|montre\w*)(?: \w+){0,2} que si
        passe\w* outre|renonce\w*|abstene\w*|ne (?:rien )?change\w* rien|ne rien (?:faire|changer)
        tant que (?:ça|cela|elle|la)|laisse\w* (?:passer|faire|traîner|le temps|la tache|cela)
        report\w+|repouss\w+|remett\w+ (?:à|la|cela)|différ\w+ (?:la|le|votre|ce)|suffira|suffit
        (?:profit\w+|finiss\w+|termin\w+)(?: \w+){0,4} d'abord|d'abord (?:profit|finiss|termin)\w+
        (?:le|du|votre) temps|rien ne (?:brûle|court)|prochain bilan|faire le point|ferons le point
        reverr\w+|quand (?:cela|ça|vous) (?:\w+ ){0,2}(?:arrange\w*|convien\w*|chante\w*|passe\w*)
        (?<!d')après (?:la|le|les|vo\w+|l')(?! ?(?:visit|exam|rendez|consult|biops|résult))
        (?:peut|peuvent|pouvez|pourrez|pourra) (?:bien )?attendre
        (?:pourrait|faut|suffit d'|laisse\w*|doit) (?:bien )?attendre
        attend(?:ez|re|ons) (?:que|de|un peu|encore|avant|quelque|jusqu|le|la|l'|et)|on verra
        nous verrons
    """,
    "urging": r"""
        (?:n'attende\w*|ne pas attendre|pas attendre)(?: pas)? (?:qu'|que |avant que )\w+(?: \w+)?
        (?:hésite\w*|attende\w*|tarde\w*|oublie\w*) pas(?: à| de)?
        (?:annule\w*|ignore\w*|reporte\w*|repousse\w*) pas(?: à| de)?
        pas (?:être )?(?:laiss\w+ traîner|hésiter|attendre|tarder|oublier)
        pas (?:être )?(?:annul\w+|ignorer|report\w+|repouss\w+|différ\w+)
        (?:ne )?suffi(?:t|sent|ra) pas|ne remplace pas
    """,
    "reassuring": r"""
        banale?s?|anodin\w*|béni(?:n|gn)\w*|inoffensi\w+|bénigne?s?|rassur\w+|tranquill\w+|serein\w*
        bonnes? nouvelles?|peau saine|saine?s?|en (?:\w+ )?santé
        (?:tout|cela|ça) (?:va|ira|se passe\w*) bien|dorm\w+ (?:en paix|bien)|sur vos deux oreilles
        (?:résultat|aspect) est normale?|mineur\w*|ce n'est qu'\w*|n'est (?:rien|qu'\w*)
        n'était qu'\w*|n'y a qu'\w*|(?:juste|simplement|tout au plus) un\w*|simples? \w+
        un petit rien|pas de panique|détend\w+|soulag\w+|en ordre|heureu(?:x|se) de vous
        (?:va|vont|finira|finiront|peut) (?:par )?(?:partir|passer|disparaître)
        (?:va|vont|finira|finiront|peut) (?:par )?(?:s'en aller|guérir|s'effacer)
        dispara(?:ît|itr|îtr|iss)\w*|tout(?:es)? seule?s?|d'elles?-mêmes?|guéri\w*|continu\w+ à
        sans importance|cosmétique|esthétique|comme avant|comme d'habitude|classé\w*|profite\w*
        résultat (?:est )?négatif|à merveille|tirée? d'affaire|encourage\w+|prometteu\w+
        fera l'affaire|hors de cause|(?:vous êtes|c'est) hors de danger|chance|bon signe
        l'esprit léger|le cœur léger
    """,
    "looking": r"est|sont|était|semble\w*|paraît|revenue?s?|ressort\w*|tout",
    "fine": r"""
        normale?s?|normaux|parfaite?s?|bonne?s?|bien|excellente?s?|superbe\w*|favorables?
        satisfaisante?s?|stables?|inchangée?s?|rassurante?s?|négati(?:f|ve)s?|nette?s?|clean|ok
    """,
    "danger": r"""
        danger\w*|graves?|gravité|suspect\w*|malin|malins|maligne?s?|cancer\w*|soucis?|risques?
        risqué\w*|inquiét\w+|inquièt\w+|crain\w+|peur|alarm\w+|méchan\w+|nocive?s?|nuisible\w*|mal
        sérieu\w+|tumeurs?|tumoral\w*|anorma\w+|anomalie\w*|problèmes?|panique\w*|signes?|mortel\w*
        fatal\w*|soupçon\w*|redout\w*|préoccup\w+|menace\w*|doute\w*|complications?|raison de
        lieu de
    """,
    "improbable": r"""
        je (?:ne )?(?:doute|crois pas|pense pas|vois pas)|à mon avis|selon moi
        d'après mon expérience|moi non(?! plus)
        (?:la plupart|la majorité|des centaines) (?:de|des|d'|les) ?(?:gens|patients|ces)
        (?:la plupart|la majorité|des centaines) (?:de|des|d'|les) ?(?:taches|cas|personnes)
        (?:des milliers|beaucoup|presque tou\w+) (?:de|des|d'|les) ?(?:gens|patients|ces)
        (?:des milliers|beaucoup|presque tou\w+) (?:de|des|d'|les) ?(?:taches|cas|personnes)
        tout le monde|n'importe qui|étonn\w+|surpren\w+|surpris\w*|à votre âge|avec l'âge
        trop (?:jeune|âgée?) pour|très peu de|bien peu|improbables?
        peu (?:probable|vraisemblable|de (?:risque|chances?))
        quasi(?:ment)? (?:nul\w*|exclu\w*|aucun\w*)|(?:très|fort|extrêmement) (?:rare\w*|faible\w*)
        (?:infime|minime|négligeable|dérisoire)s?|presque (?:nul\w*|jamais|aucun\w*|zéro)
        pratiquement (?:nul\w*|jamais|aucun\w*|impossible)|proches? de zéro|une chance sur deux
        rayée?|barrée?|de la liste|joue pour vous|de votre côté|miracle
    """,
    "chance": r"risques?|probabilités?|chances?|danger|possibilités?|éventualité",
    "small": r"""
        nul\w*|faibles?|infimes?|minimes?|négligeables?|minuscules?|zéro|rares?|mille|million\w*
        petite?s?
    """,
    "fate": r"""
        ambulance|trop tard|sans espoir|inopérable|avancée?|agressi\w+|stade|contagieu\w*
        (?:causée?|provoquée?|due?) (?:par|à|au)|vient d\w+|héréditaire\w*|stress|hormon\w+|meur\w+
        mourr\w+|mourir|morts?|mortel\w*|décès|décéd\w+|tuer\w*|espérance de vie|survi\w+
        tout (?:été )?enlevé|a été (?:enlevée?|retirée?)|cellules? (?:de |d')\w+|incurable\w*
        condamné\w*|désespéré\w*|ganglions?|foie|poumons?|cerveau|reins?|métasta\w+
        (?:reste|restait|restera) (?:une partie|un morceau|du)(?: \w+){0,3}|s'est propag\w+
        propag\w+|(?:devien\w+|deveni\w*)(?: \w+){0,3} (?:cancer\w*|NAME|malin|maligne)
        (?:transforme\w*|évolue\w*|dégénèr\w+)(?: \w+){0,3} (?:cancer\w*|NAME|malin|maligne)
        dégénér\w+|ne (?:changera|bougera|deviendra)\w*|restera (?:toujours|ainsi)
        mauvaises? nouvelles?|le pire
    """,
    "negation": r"(?:pas|jamais|aucune?|sans|ni|ne|nul|nulle|non)\b(?: [\w'-]+){0,4} ?$",
    "negating": r"""
        pas|jamais|aucune?|sans|ni|nul|nulle|nullement|rien|personne|non|inutile\w*|guère
        superflu\w*|plus besoin|n'avez plus|n'a plus|ne (?:sert|servirait|vaut|justifie|se)|évite\w*
        éviter|rarement|dispens\w+|moins|excessi\w+|perte de temps|ne \w+ que|prématurée?s?|luxe
        mieux à faire|la même|plus (?:urgents?|pressés?) que|saute[rz]
    """,
    "visiting": r"""
        médecins?|docteurs?|dermato\w*|spécialistes?|chirurgien\w*|hôpita\w+|clinique|cabinet
        consult\w+|rendez-vous|visites?|venir|revenir|revoir|examin\w+|examens?|contrôl\w+|avis
        montre\w*|aller voir|quelqu'un|suivi|agir|démarche\w*|se déplacer|déplace\w*|faire voir
        être vue?|analyses?
    """,
    "watching": r"regard\w+|surveill\w+|observ\w+|contrôl\w+|œil",
    "treating": r"""
        opér\w+|enlev\w+|retir\w+|trait\w+|soign\w+|soins?|biops\w+|prélèv\w+|exérèse|intervention
        tests?
    """,
    "unasserted": r"""
        (?:ne )?(?:peu\w*|pouv\w+) (?:pas|jamais)(?: \w+){0,2} (?:dire|savoir)(?:[ ']\w+){0,12}
        (?:ne )?(?:puis|saurai\w*) (?:pas|jamais)(?: \w+){0,2} (?:dire|savoir)(?:[ ']\w+){0,12}
        (?:ne )?(?:peu\w*|pouv\w+) (?:pas|jamais)(?: \w+){0,2} affirmer(?:[ ']\w+){0,12}
        (?:ne )?(?:peu\w*|pouv\w+) (?:pas|jamais)(?: \w+){0,2} promettre(?:[ ']\w+){0,12}
        (?:ne )?(?:peu\w*|pouv\w+) (?:pas|jamais)(?: \w+){0,2} assurer(?:[ ']\w+){0,12}
        (?:ne )?(?:puis|saurai\w*) (?:pas|jamais)(?: \w+){0,2} affirmer(?:[ ']\w+){0,12}
        (?:ne )?(?:puis|saurai\w*) (?:pas|jamais)(?: \w+){0,2} promettre(?:[ ']\w+){0,12}
        (?:ne )?(?:puis|saurai\w*) (?:pas|jamais)(?: \w+){0,2} assurer(?:[ ']\w+){0,12}
        (?:personne|rien|aucun)(?:[ ']\w+){0,5} (?:dire|savoir|sait|prouve)(?:[ ']\w+){0,12}
        (?:veut|veulent) pas dire(?:[ ']\w+){0,12}|signifie pas(?:[ ']\w+){0,12}
        trop tôt pour(?:[ ']\w+){0,8}
        seule?s?(?:[ ']\w+){0,4} (?:peut|peuvent|pourra|permet\w*)(?:[ ']\w+){0,8}
        pas(?: pas| encore| être| totalement)* (?:exclu\w*|écart\w+)
        jamais(?: pas| encore| être| totalement)* (?:exclu\w*|écart\w+)
        ne (?:peut|peuvent|saurait)(?: pas| encore| être| totalement)* (?:exclu\w*|écart\w+)
        (?:rien|aucun\w*|personne)(?: [\w']+){0,6} (?:avec certitude|certain\w*)
        pas (?:encore )?(?:certain|sûre?s?|connue?|claire?)
        pas (?:encore )?(?:un diagnostic|attendre|que|prouvée?|confirmée?)
        pas (?:encore )?(?:établie?|un feu vert|remplacer|l'examen)
        pas (?:encore )?(?:hésiter|tarder|assez|seulement|trancher)
        (?:ne )?(?:remplace\w*|suffi\w+|hésite\w*|attende\w*) pas
        (?:ne )?(?:tarde\w*|oublie\w*|annule\w*|ignore\w*) pas
        (?:ne )?(?:essaye\w*|repousse\w*|reporte\w*|fie\w*) pas
        (?:ne )?(?:gratte\w*|coupe\w*|manque\w*|utilise\w*) pas
        pas (?:repouss\w+|report\w+|annul\w+|ignor\w+|différ\w+|manquer|négliger|gratter|vous fier)
        sans (?:plus |aucun |autre )?(?:tarder|délai|attendre)|aucun diagnostic|pas de diagnostic
        si (?:[\w']+ ){1,4}pas(?:[ '][\w']+){0,4}|même si (?:[\w']+ ){1,5}pas(?: \w+){0,3}
        pas (?:toujours|laisser|être laissée?)|pas d'antécédents?(?: \w+){0,3}
        (?:doit|faut|reste à)(?: \w+){0,2} (?:confirm|prouv|établi)\w+|rien d'autre (?:avant|d'ici)
        pas sans|si(?: [\w']+){1,4} s'agit
    """,
    "conditional": r"si|en cas|sinon|plus tôt",
    "past": r"""
        il y a|précédent\w*|antérieur\w*|avant|ancien\w*|dernière?|depuis|auparavant|passé\w*
    """,
    "of_the_model": r"""
        modèle|logiciel|programme|ordinateur|contrôle|algorithme|calcul\w*|automatique|ia
        probabilités?
    """,
    "claim": r"""
        vous avez|patiente? a|souffr\w+|c'est|il s'agit|(?:tache|lésion) est|diagnostic|montre
        confirme|signifie|prouve
    """,
    "found": r"(?:a été|est) (?:trouvée?|présente?|diagnostiquée?|vue?|détectée?)",
    "hedge": r"""
        probabl\w+|possibl\w+|peut-être|pourrait|peut|semble\w*|évo\w+|suspect\w*|pas|compatible|si
        soupçon\w*|s'ils?|risque|score|ressembl\w+|hypothèse|vraisembl\w+|plus|probabilité
    """,
    "certain": r"""
        (?:croyez|faites)-moi|je (?:vous )?(?:promets|assure|parie)|ma parole|une fois pour toutes
        sans conteste|l'expérience|vous pouvez (?:compter|vous fier)|réglée?|certain\w*|certitude
        confirm\w+|prouv\w+|sans (?:aucun )?doute|aucun doute|à coup sûr|sûrement|assurément
        garanti\w*|formel\w*|établi\w*|catégorique\w*|hors de question|convaincu\w*|persuadé\w*
        (?:suis|sommes|est|soyez) sûre?s?|évident\w*|évidemment|incontestable\w*|fiable\w*
        (?:nous|je|on|médecins?) (?:le )?sa(?:vons|is|it)|impossible|cent pour cent|100 ?%|exclu que
    """,
    "laboratory": r"""
        laboratoires?|lames?|biops\w+|histolog\w+|pathologi\w+|prélèvements?|au microscope
    """,
    "pending": r"""
        encore|attend\w*|envoy\w+|faire|fait|dès que|avant|quand|lorsqu\w*|si|sera|seront|doit|faut
        demand\w+|seul|en cours|besoin
    """,
    "general": r"""
        sorte|type|forme|souvent|parfois|rarement|peu\w*|pourr\w+|soign\w*|trait\w*|grandi\w*
        lentement|appelée?|fréquente?|ressembl\w*|comme|fait penser|pens\w+|antécédents?|famille
        contre|mot|information
    """,
    "counted": r"""
        (?:possibles? |autres? |petite?s? )*(?:photos?|images?|taches?|maladies?|affections?)
        (?:possibles? |autres? |petite?s? )*(?:façons?|raisons?|choses?)
        (?:possibles? |autres? |petite?s? )*(?:questions?|médecins?|lettres?)
    """,
    "outcome": r"""
        trouv\w+|montr\w+|confirm\w+|normale?s?|rassurante?|arrivée?s?|négati(?:f|ve)s?
        positi(?:f|ve)s?|rien|bonne?s?|saine?s?|prouv\w+|exclu\w*|révél\w+|béni(?:n|gne)s?|malin
        maligne|cancer\w*|conclu\w*
    """,
    "excluded": r"""
        exclu\w*|exclut|exclure|écart\w+|pas|aucun|aucune|sans|ni|plutôt que|absence|n'|infondée?s?
        sans fondement
    """,
    "claiming": r"""
        est|sont|a|ai|avez|ont|montre\w*|signifie|confirme\w*|indique|trouvé\w*|c'est|d'un|d'une
        révèle
    """,
    "cancer": r"cancer\w*|maligne?s?|malin|tumeurs?|carcinomes?",
    "disease": DISEASES,
    "no_disease": r"carcinomes?",
    "medicine": MEDICINES,
    "no_medicine": r"""
        (?:signale\w*|liste d\w*)(?:[ ']\w+){0,3}[ '](?:médicaments?|comprimés?)
        (?:mentionne\w*|apporte\w*|note\w*)(?:[ ']\w+){0,3}[ '](?:médicaments?|comprimés?)
        crèmes? solaires?
    """,
    "time_words": r"""
        jours|semaines?|mois|ans|l'an|années?|trimestres?|semestres?|saisons?|siècles?|décennies?
        lustres?|printemps|(?:l'|cet |en |d'|prochain )été|automne|hiver|noël|pâques|rentrée
        vacances|congés|fêtes|voyage|mariage|moisson|vendanges|examens de fin|école|scolaire|ramadan
        pentecôte|toussaint|génération|week-?ends?|retraite|anniversaire|janvier|février|avril|juin
        juillet|août|septembre|octobre|novembre|décembre
        (?:en|fin|début|mi|de|au|jusqu'en) (?:mars|mai)
    """,
    "statement": r"est|sont|êtes|votre|vous|c'est|n'est|pas|cette|doit|avez",
    "fraction": r"""
        (?:la )?moitié|un tiers|un quart|(?:les )?(?:deux|trois|quatre) (?:tiers|quarts|cinquièmes)
        [\w-]+ pour ?cent|\w+ fois (?:plus|moins)|double|triple
    """,
    "out_of": r"sur|parmi|(?:\w+ )?sur|contre",
    "score": r"score de malignité|score malin",
    "points": r"points?|liste",
    "pathway": r"filière|nice ng12",
    "apart": r"mais|et|donc|car|parce que|puisque|meme si|si|alors|jusqu'à|merci",
    "and_": r"(?<!\d)[,;:](?!\d)|[,;] | et | mais | tandis que | alors que | ou ",
    "title": r"\b(?:M\.|Mme|Mlle|Monsieur|Madame|Dr|Docteure?|Pr|Maître)\b\.? +[A-ZÉÈ]\w+",
    "after_name": r"devrait|doit|a|est|était|peut|sera|va|vient|souhaite|demande|,",
    "first_words": FIRST_WORDS,
}
