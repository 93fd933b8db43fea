"""Letters in French: our own sentences of a draft, and the long lists of words that letters are
checked for.
"""

LETTERS = {
    "to_patient": "Bonjour {patient},",
    "to_colleague": "Cher confrère, chère consœur,\n\nCette lettre concerne: {patient}.",
    "about": {
        "patient": "Cette lettre concerne votre tache{spot}, photographiée le {date}.",
        "colleague": "La tache{spot} a été photographiée le {date} (résultat {number}).",
    },
    "spot": {"named": " «{name}»", "placed": " ({place})"},
    "decided": {
        "sure": "Voici ma décision du {date}: {name}.",
        "awaited": "Voici ce que je soupçonne, au {date}: {name}.",
        "unsure": "Voici mon avis du {date}, qui n'est pas certain: {name}.",
        "result": "Le résultat du laboratoire est là. J'ai décidé d'après lui le {date}: {name}.",
        "open": "Le {date}, je n'ai pas encore pu dire ce qu'est la tache.",
    },
    "decided_by": {
        "sure": "Voici la décision de {by} du {date}: {name}.",
        "awaited": "Voici ce que {by} soupçonne, au {date}: {name}.",
        "unsure": "Voici l'avis de {by} du {date}, qui n'est pas certain: {name}.",
        "result": "Le résultat du laboratoire est là. {by} a décidé d'après lui le {date}: {name}.",
        "open": "Le {date}, {by} n'a pas encore pu dire ce qu'est la tache.",
    },
    "it_is": {
        "sure": "la tache est {name}",
        "awaited": "la tache ressemble à {name}",
        "unsure": "la tache est peut-être {name}",
        "result": "la tache est {name}",
    },
    "elsewhere": "Ce qui compte a été dit le {date} à propos d'une autre photo de cette tache.",
    "replaced": {
        "own": "De cette photo seule, j'ai dit le {date}: {name}. C'est le début de cette lettre "
        "qui compte.",
        "other": "De cette photo seule, {by} a dit le {date}: {name}. C'est le début de cette "
        "lettre qui compte.",
        "check": "De cette photo seule, le contrôle a dit le {date}: {name} C'est le début de "
        "cette lettre qui compte.",
        "colleague": "De cette photo seule, remplacé depuis: {said}",
    },
    "due": "À faire d'ici au {date}.",
    "concluded": {
        "sure": "Décision du médecin du {date} ({by}): {name}.",
        "awaited": "Avis du médecin du {date} ({by}), à confirmer: {name}.",
        "unsure": "Avis du médecin du {date} ({by}), sans certitude: {name}.",
        "result": "Résultat du laboratoire du {date} (histologie, {by}): {name}.",
    },
    "photo_wanted": "Une autre photo de la tache a été demandée.",
    "undecided": "Aucun médecin n'a encore décidé.",
    "urgency": "Urgence: {label}. {action}",
    "model": {
        "decided": "Réponse du modèle du {date}, antérieure à la décision: {names}.",
        "unjudged": "Réponse du modèle du {date}, d'une photo qui n'a pas pu être jugée: {names}.",
        "undecided": "Réponse du modèle du {date}: {names}.",
    },
    "closing": "Cordialement\n{doctor}",
}

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
_UNS = (
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf"
)
_DIZAINES = {"vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}


def _numbers() -> dict[str, float]:
    ones = {word: count for count, word in enumerate(_UNS.split(), 1)}
    more = {
        f"{ten}{between}{one}": value + count
        for ten, value in {**_DIZAINES, "quatre-vingt": 80}.items()
        for one, count in ones.items()
        for between in ("-", "-et-", " et ")
    }
    exact = {**ones, **_DIZAINES, **more, "quatre-vingts": 80, "cent": 100, "mille": 1000}
    about = {
        f"{word[:-1] if word.endswith('e') else word}aine de": value
        for word, value in {**_DIZAINES, "douz": 12, "quinz": 15, "cent": 100}.items()
    }
    parts = {"une": 1, "demi": 0.5, "demie": 0.5, "dizaine de": 10}
    apart = {word.replace("-", " "): count for word, count in exact.items()}
    return {**exact, **apart, **about, **parts}


NUMBERS = _numbers()
