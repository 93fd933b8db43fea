"""What a report prints around its facts: headings, labels, the names of choices. One catalogue a
language; no word about a disease is among them.
"""

from collections.abc import Mapping

from skinapi.records.reviews import Agreement, Histology
from skinapi.vision.conditions import Frozen, Language
from skinapi.vision.context import AgeBand, BodySite, Fitzpatrick, Modality, Sex


class Labels(Frozen):
    title: str
    page: str
    patient: str
    email: str
    submission: str
    number: str
    made: str
    issued: str
    not_filed: str
    basis: str
    as_stated: str
    age: str
    sex: str
    site: str
    skin_type: str
    modality: str

    because: str
    stated: str
    most_probable: str
    not_excluded: str
    malignant_score: str
    checklist_score: str
    not_asked: str

    pictures: str
    photo: str
    photo_text: str
    overlay: str
    overlay_text: str
    scale: str
    less: str
    more: str
    no_photo: str

    probabilities: str
    condition: str
    probability: str
    stated_share: str
    counted: str
    chart_text: str

    explanation: str
    overview: str
    importance: str
    recommendation: str
    confidence: str
    findings: str
    limits: str
    next_steps: str
    written_by_template: str
    written_by_llm: str

    score: str
    points: str
    ticked: str
    denied: str

    review: str
    no_review: str
    agreement: str
    review_label: str
    histology: str
    note: str
    signed: str

    quality: str
    size: str
    brightness: str
    sharpness: str
    at_least: str
    model: str

    verification: str
    scan: str
    address: str
    how_to_verify: str
    valid: str
    unknown: str

    modalities: Mapping[Modality, str]
    sexes: Mapping[Sex, str]
    ages: Mapping[AgeBand, str]
    sites: Mapping[BodySite, str]
    skin_types: Mapping[Fitzpatrick, str]
    agreements: Mapping[Agreement, str]
    histologies: Mapping[Histology, str]


ENGLISH = Labels(
    title="Skin lesion report",
    page="Page {} of {}",
    patient="Patient",
    email="E-mail",
    submission="Submission",
    number="No. {}",
    made="Examined",
    issued="Issued",
    not_filed="Not kept by this server; it cannot be verified.",
    basis="Basis",
    as_stated="As stated by the caller; no picture was examined.",
    age="Age",
    sex="Sex",
    site="Body site",
    skin_type="Skin type",
    modality="Kind of picture",
    because="Reason",
    stated="As stated by the caller",
    most_probable="Most probable",
    not_excluded="Uncertain. Not excluded",
    malignant_score="Malignant score",
    checklist_score="7-point checklist",
    not_asked="not asked",
    pictures="Photo and heat map",
    photo="Photo, {} × {} pixels as sent; it carries no measure of length.",
    photo_text="The photo of the lesion.",
    overlay="The same photo with the heat map: where the model looked.",
    overlay_text="The photo with colours laid over the places that spoke most for the answer, "
    "from violet for little to yellow for most.",
    scale="Weight for the answer",
    less="least",
    more="most",
    no_photo="The photo was not kept, so neither photo nor heat map is shown.",
    probabilities="Probabilities, ranked",
    condition="Condition",
    probability="Probability",
    stated_share="Confidence, as stated",
    counted="counted in the malignant score",
    chart_text="Ranked probabilities of {} conditions; the first is {} with {}.",
    explanation="Explanation",
    overview="Overview",
    importance="Why early detection matters",
    recommendation="Recommendation",
    confidence="How certain this is",
    findings="Findings",
    limits="Limits",
    next_steps="Next steps",
    written_by_template="The text is put together from reviewed sentences.",
    written_by_llm="The text was written by the language model {} from the facts on this page and "
    "checked against them.",
    score="{} of {}",
    points="{} of {} points; from {} on, a referral is advised.",
    ticked="yes",
    denied="no",
    review="Doctor's review",
    no_review="No doctor has reviewed this finding yet.",
    agreement="Finding",
    review_label="Doctor's label",
    histology="Histology",
    note="Note",
    signed="Signed",
    quality="Picture and model",
    size="Size",
    brightness="Brightness",
    sharpness="Sharpness",
    at_least="{}, of at least {}",
    model="Model",
    verification="Verification",
    scan="Verify",
    address="Address",
    how_to_verify="The code on the first page leads to this address. It tells whether a report "
    "with this code was issued and still stands, and shows no data of the patient.",
    valid="A report with this code was issued by this server, and stands.",
    unknown="No report stands under this code: it was never issued here, or was deleted.",
    modalities={
        Modality.DERMOSCOPIC: "dermoscopic",
        Modality.CLINICAL: "ordinary photograph",
        Modality.UNKNOWN: "not stated",
    },
    sexes={"female": "female", "male": "male", "other": "other"},
    ages={
        "0-29": "0–29",
        "30-44": "30–44",
        "45-59": "45–59",
        "60-74": "60–74",
        "75+": "75 or older",
    },
    sites={
        "abdomen": "abdomen",
        "acral": "palm or sole",
        "back": "back",
        "chest": "chest",
        "ear": "ear",
        "face": "face",
        "foot": "foot",
        "genital": "genital area",
        "hand": "hand",
        "lower_extremity": "leg",
        "neck": "neck",
        "scalp": "scalp",
        "trunk": "trunk",
        "upper_extremity": "arm",
    },
    skin_types={
        1: "Fitzpatrick I",
        2: "Fitzpatrick II",
        3: "Fitzpatrick III",
        4: "Fitzpatrick IV",
        5: "Fitzpatrick V",
        6: "Fitzpatrick VI",
    },
    agreements={
        Agreement.AGREE: "agrees with the finding",
        Agreement.DISAGREE: "disagrees with the finding",
        Agreement.UNSURE: "is unsure about the finding",
    },
    histologies={
        Histology.NOT_TAKEN: "no sample taken",
        Histology.AWAITED: "result awaited",
        Histology.CONFIRMED: "confirms the doctor's label",
    },
)

FRENCH = Labels(
    title="Rapport sur une lésion de la peau",
    page="Page {} sur {}",
    patient="Patient",
    email="E-mail",
    submission="Dossier",
    number="N° {}",
    made="Examiné le",
    issued="Établi le",
    not_filed="Non conservé par ce serveur; il ne peut pas être vérifié.",
    basis="Fondement",
    as_stated="Selon les indications de l'appelant; aucune image n'a été examinée.",
    age="Âge",
    sex="Sexe",
    site="Région",
    skin_type="Type de peau",
    modality="Type d'image",
    because="Raison",
    stated="Selon l'appelant",
    most_probable="Le plus probable",
    not_excluded="Incertain. Non exclu",
    malignant_score="Score de malignité",
    checklist_score="Liste en 7 points",
    not_asked="non demandée",
    pictures="Photo et carte de chaleur",
    photo="Photo, {} × {} pixels à l'envoi; elle ne porte aucune mesure de longueur.",
    photo_text="La photo de la lésion.",
    overlay="La même photo avec la carte de chaleur: ce que le modèle a regardé.",
    overlay_text="La photo, colorée là où elle a le plus compté pour la réponse, "
    "du violet pour peu au jaune pour le plus.",
    scale="Poids dans la réponse",
    less="le moins",
    more="le plus",
    no_photo="La photo n'a pas été conservée: ni photo ni carte de chaleur ne sont montrées.",
    probabilities="Probabilités, par ordre",
    condition="Affection",
    probability="Probabilité",
    stated_share="Confiance indiquée",
    counted="compté dans le score de malignité",
    chart_text="Probabilités de {} affections, par ordre; la première est {} avec {}.",
    explanation="Explication",
    overview="Vue d'ensemble",
    importance="Pourquoi détecter tôt",
    recommendation="Recommandation",
    confidence="Degré de certitude",
    findings="Constatations",
    limits="Limites",
    next_steps="Et maintenant",
    written_by_template="Le texte est composé de phrases relues.",
    written_by_llm="Le texte a été rédigé par le modèle de langage {} d'après les données de ce "
    "rapport, puis comparé à elles.",
    score="{} sur {}",
    points="{} points sur {}; à partir de {}, un avis spécialisé est conseillé.",
    ticked="oui",
    denied="non",
    review="Avis du médecin",
    no_review="Aucun médecin n'a encore donné son avis sur ce résultat.",
    agreement="Résultat",
    review_label="Avis retenu",
    histology="Histologie",
    note="Remarque",
    signed="Signé",
    quality="Image et modèle",
    size="Taille",
    brightness="Luminosité",
    sharpness="Netteté",
    at_least="{}, pour au moins {}",
    model="Modèle",
    verification="Vérification",
    scan="Vérifier",
    address="Adresse",
    how_to_verify="Le code de la première page mène à cette adresse. Elle dit si un rapport de ce "
    "code a été établi et reste en vigueur, et ne montre aucune donnée du patient.",
    valid="Un rapport de ce code a été établi par ce serveur, et reste en vigueur.",
    unknown="Aucun rapport n'existe sous ce code: il n'a jamais été établi ici, ou a été effacé.",
    modalities={
        Modality.DERMOSCOPIC: "dermatoscopique",
        Modality.CLINICAL: "photographie ordinaire",
        Modality.UNKNOWN: "non précisé",
    },
    sexes={"female": "féminin", "male": "masculin", "other": "autre"},
    ages={
        "0-29": "0–29 ans",
        "30-44": "30–44 ans",
        "45-59": "45–59 ans",
        "60-74": "60–74 ans",
        "75+": "75 ans ou plus",
    },
    sites={
        "abdomen": "abdomen",
        "acral": "paume ou plante du pied",
        "back": "dos",
        "chest": "poitrine",
        "ear": "oreille",
        "face": "visage",
        "foot": "pied",
        "genital": "région génitale",
        "hand": "main",
        "lower_extremity": "jambe",
        "neck": "cou",
        "scalp": "cuir chevelu",
        "trunk": "tronc",
        "upper_extremity": "bras",
    },
    skin_types={
        1: "Fitzpatrick I",
        2: "Fitzpatrick II",
        3: "Fitzpatrick III",
        4: "Fitzpatrick IV",
        5: "Fitzpatrick V",
        6: "Fitzpatrick VI",
    },
    agreements={
        Agreement.AGREE: "d'accord avec le résultat",
        Agreement.DISAGREE: "pas d'accord avec le résultat",
        Agreement.UNSURE: "incertain du résultat",
    },
    histologies={
        Histology.NOT_TAKEN: "aucun prélèvement",
        Histology.AWAITED: "résultat attendu",
        Histology.CONFIRMED: "confirme l'avis retenu",
    },
)

CATALOGUES: Mapping[Language, Labels] = {"en": ENGLISH, "fr": FRENCH}


def labels_of(language: Language) -> Labels:
    return CATALOGUES[language]
