"""The software's own sentences about a finding in French."""

from skinapi.languages import space_all_french
from skinapi.reports.narrative import Reason
from skinapi.reports.text.catalogues.catalogue import Catalogue, Phrases, Vocabulary
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding.finding import Doubt

PHRASES = Phrases(
    likely="Cela ressemble le plus à: {name}.",
    likely_but="Cela ressemble le plus à: {name}, mais ce peut être aussi: {others}.",
    likely_unknown="On ne peut pas dire ce que c'est.",
    likely_unsure="On ne peut pas dire ce que c'est; ce peut être: {name}.",
    likely_nothing="Aucune sorte de tache connue de ce contrôle n'a été reconnue.",
    uncertain="Ce résultat est incertain: {doubts}.",
    doubts={
        Doubt.TOO_CLOSE: "le modèle ne départage pas les possibilités",
        Doubt.UNLIKE_TRAINING: "l'image ne ressemble pas à celles dont le modèle a appris",
    },
    most_probable="Le plus probable: {name}.",
    named_by_rule="Retenu: {name}, par une règle qui évite de négliger les affections plus rares; "
    "le plus probable est: {other} ({share}).",
    not_excluded="Non exclu: {name}.",
    in_case="Au cas où ce serait: {name}.",
    as_stated="Selon l'indication de l'appelant: {name}; aucune image n'a été examinée.",
    more_urgent="C'est plus urgent que ne le demanderait à lui seul: {name}; la raison: {reasons}.",
    why_urgent={
        RaisedBy.MALIGNANT: "le score de malignité ({share})",
        RaisedBy.NEAR_THRESHOLD: "proche du seuil à partir duquel le conseil est plus urgent",
        RaisedBy.CHECKLIST: "la liste en 7 points",
        RaisedBy.NOT_DERMOSCOPIC: "image dont on ne sait pas si elle vient d'un dermatoscope",
        RaisedBy.NOT_EXAMINED: "aucune image n'a été examinée",
        RaisedBy.LITTLE_TESTED: "modèle peu testé sur ce type d'image",
        RaisedBy.UNTESTED_SKIN: "modèle non testé pour cette couleur de peau",
        RaisedBy.UNCERTAIN: "l'incertitude",
    },
    probability="Le modèle donne la probabilité suivante: {name}, {share}.",
    shifted_probability="D'après l'image seule, le modèle donne la probabilité suivante: {name}, "
    "{pictured}; avec ce qui a été indiqué, {share}.",
    from_picture="D'après l'image seule: {names}.",
    malignant_score="Le score de malignité, somme de {names}, est de {share}.",
    stated_confidence="Confiance selon l'appelant: {name}, {share}; rien ici ne la confirme.",
    ranked="Par ordre de probabilité: {names}.",
    not_ruled_out="Ne peut être exclu à {level}: {names}.",
    too_few_pictures="trop peu d'images de test pour exclure: {names}",
    both="{first}; {second}",
    fits_no_class="toute lésion, car l'image ne correspond bien à aucune catégorie",
    band="Urgence: {label}; la raison: {reasons}.",
    quality="L'image mesure {width} sur {height} pixels et a passé le contrôle de sa qualité.",
    checklist_score="La liste en 7 points a été remplie: {score} points.",
    checklist_unanswered="La liste en 7 points n'a pas été remplie.",
)

SENTENCES = (
    "Le modèle [donne|a donné|attribue] [au |à la |à l'|à ]NAME une [probabilité|part] de N.",
    "La [probabilité|part] [de |d'|du |de la |de l'|pour |pour le |pour la |pour l']NAME est de N.",
    "[|Le |La |L']NAME [a|reçoit] une [probabilité|part] de N.",
    "Le score de malignité est [de |une somme, ici ]N.",
    "Le score de malignité est une somme de probabilités.",
    "Le score de malignité additionne les probabilités de plusieurs affections.",
    "La liste en 7 points compte N points.",
    "Le modèle a comparé [l'image|cette image] avec [les images|celles] dont il a appris.",
    "Le modèle donne une [probabilité|part][| à chaque affection].",
    "Le modèle [calcule|a calculé] une probabilité pour chaque affection.",
    "Chaque probabilité décrite ici suit un calcul et est une partie du résultat.",
    "Chaque probabilité est une partie [du résultat|d'une somme].",
    "Chaque probabilité [vient d'un|décrit un] calcul du modèle.",
    "Chaque probabilité dit comment le modèle pèse une affection.",
    "Les probabilités des affections sont les parties d'une somme.",
    "Les probabilités [viennent d'un|suivent un] calcul du modèle.",
    "Les affections sont classées dans l'ordre de leurs probabilités.",
    "[La liste|Le rapport] nomme les affections dans l'ordre de leurs probabilités.",
    "Le calcul compare les affections.",
)

VOCABULARY = Vocabulary(
    sentences=SENTENCES,
    terms=("score de malignité", "liste en 7 points"),
    frames=(
        r"(?:probabilité|part) (?:de |d'|du |de la |de l'|pour |pour le |pour la |pour l')NAME",
        r"(?:donne|donné|donnée|attribue|attribué|attribuée|accorde) (?:à |au |à la |à l')NAME",
        r"^(?:le |la |l')?NAME (?:a|avait|reçoit) une (?:probabilité|part)",
    ),
    synonyms={
        "grain de beauté": "melanocytic_nevus",
        "grains de beauté": "melanocytic_nevus",
        "naevus": "melanocytic_nevus",
        "nævus": "melanocytic_nevus",
        "basaliome": "basal_cell_carcinoma",
        "bowen": "actinic_keratosis",
        "kératose solaire": "actinic_keratosis",
        "kératose séborrhéique": "benign_keratosis",
        "lentigo": "benign_keratosis",
        "histiocytofibrome": "dermatofibroma",
        "angiome": "vascular_lesion",
        "hémangiome": "vascular_lesion",
        "angiokératome": "vascular_lesion",
        "granulome": "vascular_lesion",
        "peau saine": "normal_skin",
    },
    violations={
        Reason.NUMBER: r"\bune?\s*[.,;:)%]|\bde une?\b",
        Reason.DOSE: r"\d\s?(?:mg|mcg|µg|ml|g|ui)\b|\b(?:dos(?:e|es|age)|comprimés?|cachets?"
        r"|crèmes?|pommades?|médicaments?|antibiotiques?|corticoïdes?|ordonnances?|prescri\w+"
        r"|appliquer|appliquez|imiquimod|fluorouracile|hydrocortisone|aspirine|ibuprofène"
        r"|injecter|injections?|chimiothérapie)\b",
        Reason.URGENCY: r"\b(?:besoin|nécessaire|inutile|attend\w*|attente|tard|report\w+|mois"
        r"|semaines?|années?|presse|urgent\w*|urgence|routine|habituelle|bénin|bénigne|sans|danger"
        r"|inquiét\w+|inquiet\w*|lieu|rassur\w+|calme|faible|ignor\w+|annul\w+|surveill\w+|maison"
        r"|plutôt|médecins?|dermatologues?|spécialistes?|hôpital|rendez-vous|visites?|consult\w+"
        r"|rien|grave|anodin\w*|mineur\w*|alarm\w+|saine?)\b",
        Reason.DIAGNOSIS: r"\b(?:vous|votre|vos|tu|ton|ta|diagnosti\w+|certain\w*|certitude"
        r"|confirm\w+|sûr\w*|assurément|doute|prouve\w*|cancers?|cancéreu\w+|malign\w*|tumeurs?"
        r"|exclu\w*|écart\w+|guér\w+|garanti\w*)\b",
    },
)

FRENCH = Catalogue(
    name="French",
    score_term="score de malignité",
    checklist_term="liste en 7 points",
    pixels_term="image mesure",
    picture_term="d'après l'image seule",
    level_term="ne peut être exclu à",
    tested_term="testé sur",
    phrases=Phrases.model_validate(space_all_french(PHRASES.model_dump(), french=True)),
    vocabulary=VOCABULARY,
)
