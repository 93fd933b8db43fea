"""Long lists of French words that letters are checked for: see `Vocabulary`."""

DISEASES = r"""
    \w{3,}(?:carcinome|sarcome|phome|mycose|mycoses)
    \w{3,}(?:dermatose|fibrose|sclérose|tuberculose|iasis)
    \w{3,}(?:rmatite|lulite|iculite|rthrite|hépatite)|leuc\w+|métasta\w+|psoria\w+|eczéma\w*
    verrues?|lupus|herpès|teigne|kystes?|abcès|zona|rosacée|couperose|acné|gale|lèpre|syphilis
    vih|sida|diabète|infect\w+|champignons?|allerg\w+|impétigo|follic\w+|inflam\w+|vitiligo
    pelade|furoncles?|ulcères?|brûlures?|piqûres?|urticaire|éruptions?|chéloïdes?
    taches? de (?:rousseur|vieillesse|naissance)|boutons?|bleus?|hématomes?|insectes?
    moustiques?|points? noirs?|coups? de soleil|échardes?|corne|durillons?|cors?|ampoules?
    porphyrie|sclérodermie|merkel|paget|kaposi|goutte|anémie|lipomes?|neurofibromes?|sarcomes?
    lymphomes?|mycoses?|dermatites?|granulomes?
"""
MEDICINES = r"""
    médicaments?|comprimés?|cachets?|crèmes?|pommades?|gels?|lotions?|antibiotiques?
    corticoïdes?|cortisone|hydrocortisone|imiquimod|fluorouracile|aspirine|ibuprofène
    paracétamol|chimiothérapie|radiothérapie|injections?|prescri\w+|ordonnances?|doses?
    posologie|cryothérapie|chirurgi\w*|opér(?:er|ée?|ation|ations)|lasers?|onguents?|baumes?
    huiles?|vinaigre|miel|ail|alcool|iode|remèdes?|tisanes?|plantes?|homéopath\w*|vitamines?
    sprays?|poudre|(?:brûl|grill|gratt|coup|arrach|perc|press|congel)(?:er|ez|ée?|e)(?:-la)?
    esthéticien\w*|institut|citron|bicarbonate|glace|aiguille|ciseaux|couteau|fil|pharmaci\w+
    argile|frotte\w*|applique\w*|esthétic\w+|soi-même|vous-même|amput\w+|greff\w+|immunothérapie
    chimio|rayons?
"""
FIRST_WORDS = """
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
    calculée calcul n'oubliez lundi mardi mercredi jeudi vendredi samedi dimanche
"""
