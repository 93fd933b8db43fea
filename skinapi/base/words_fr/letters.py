"""What the check of a letter's sentences (care/letter_check.py) knows of French, as patterns."""

CHECKED = {
    "names": {
        "melanoma": "mélanome",
        "basal_cell_carcinoma": r"basocellulaire|\bCBC\b",
        "actinic_keratosis": "kératoses? (?:actinique|solaire)",
        "bowens_disease": "bowen",
        "squamous_cell_carcinoma": "épidermoïde|spinocellulaire|kérato-?acanthome",
        "benign_keratosis": r"kératoses? (?:séborrh|bénigne|pigment)|verrues? séborrh|lentigo",
        "melanocytic_nevus": r"grains? de beauté|n(?:a|æ)evus",
        "dermatofibroma": "dermatofibrome|histiocytofibrome",
        "vascular_lesion": r"angiome|angiokératome|vasculaire|pyogénique|vaisseau",
        "inflammatory": "eczéma|psoriasis|dermatite|inflammatoire|mycose",
        "normal_skin": "peau (?:normale|saine)",
        "malignant": r"cancer|carcinome|malin|maligne|tumeur",
        "spread": "métasta|ganglion",
        "benign": r"bénin|bénigne|anodin|inoffensi|sans (?:danger|gravité)|pas (?:dangereu|grave)"
        r"|rien de (?:grave|sérieux)|rassur|rien à craindre"
        r"|tout est normal|(?:est|semble|paraît) normale?\b",
    },
    "numbers": "trois quatre cinq six sept huit neuf dix onze douze treize"
    " quatorze quinze seize dix-sept dix-huit dix-neuf vingt",
    "denies": r"\b(?:pas|aucune?|jamais|rien|ni|sans|non|plus (?:à|besoin|de)|peu probable|inutile)"
    r"\b|\b(?:exclu\w*|écart(?:é|er|e|ée|ent)|éliminer?|absence d)",
    "denies_nothing": r"\bpas(?: [\w'’]+){0,2} (?:certaine?|sûre?|savoir|dire|prononcer|juger)\b"
    r"|sans pouvoir l['’]affirmer|pas(?: \w+){0,2} (?:exclu\w*|écart\w*|élimin\w*)"
    r"|pas seulement|sans doute|hésitez pas",
    "asked": r"rendez-vous|visite|\bvoir\b|\bvenir\b|examin|trait|enlev|exérèse|envoy|appel"
    r"|inquiét|suivi|souci|besoin|consult|prélèvement|biopsi|urgen|press|contrôle|nécessaire|suspic",
    "proves": r"\b(?:confirme|confirmée?|prouve|prouvée?|établie?"
    r"|certainement|(?:est|était) certaine?|positi(?:f|ve))\b"
    r"|(?:vous avez|c['’]est|il s['’]agit|montre|diagnostic est)"
    r"(?: (?:d['’])?(?:une?|le|la|bien|de|du))* {name}",
    "bands": {
        "urgent_referral": r"cette semaine|urgen|immédiat|tout de suite|dès que possible"
        r"|sans (?:tarder|attendre|délai)|au plus vite|attendez pas|tardez pas"
        r"|ne peut pas attendre",
        "referral": r"(?:deux|2) semaines|quinze jours|quinzaine|14 jours",
        "doctor_review": r"semaines (?:qui viennent|à venir)"
        r"|(?:prochaines|quelques|trois|quatre|six|huit|\d{1,3}) semaines",
        "routine": r"cette année|printemps|automne|hiver|(?:en|cet|l['’])\s?été\b"
        r"|\b(?:dans|après|d['’]ici)(?: \w+){0,3} (?:mois|ans?|années?)\b"
        r"|prochaine? (?:visite|consultation|contrôle)|visite habituelle"
        r"|à votre convenance|quand (?:cela|ça) vous",
        "self_monitoring": r"\bsurveill",
    },
    "waives": r"rien ne presse|(?:peut|pouvez) (?:\w+ )?(?:attendre|patienter)|vaut mieux attendre"
    r"|prenez votre temps"
    r"|(?:pas|aucune) (?:d['’])?"
    r"(?:urgence|urgente?|pressée?)|(?:inutile|pas (?:besoin|nécessaire|utile)) (?:de |d['’])"
    r"(?:vous )?(?:re)?(?:voir|cevoir|consulter|venir|examiner|aller|prendre|presser)"
    r"|rendez-vous n['’](?:est|a) pas|aucun (?:rendez-vous|examen|contrôle|suivi)"
    r"|à votre convenance|quand (?:cela|ça) vous",
    "visits": r"rendez-vous|visite|\bvoir\b|\bvenir\b|\bvenez\b|examin|montrez|consult|contrôle",
    "not_when": r"\bsi\b|\bs['’]il|\bsauf\b|en cas de",
    "other_time": r"\b(?:après|il y a|depuis|nouveau|jusqu|ici|résultat|grandi|plus tard)\b",
}
