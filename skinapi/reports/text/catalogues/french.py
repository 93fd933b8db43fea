"""The software's own sentences about a finding in French."""

from skinapi.languages import space_all_french
from skinapi.reports.text.catalogues.catalogue import Catalogue, Remark
from skinapi.vision.bands import RaisedBy
from skinapi.vision.finding.finding import Doubt

_WRITTEN = Catalogue(
    uncertain="Ce résultat est incertain: {doubts}.",
    doubts={
        Doubt.NOT_SURELY_SKIN: "l'image ne ressemble pas à de la peau pour le programme",
        Doubt.PICTURES_DISAGREE: "les images ne concordent pas",
        Doubt.TOO_CLOSE: "le modèle ne départage pas les possibilités",
        Doubt.UNLIKE_TRAINING: "l'image ne ressemble pas à celles dont le modèle a appris",
    },
    in_case="Au cas où ce serait {name}:",
    as_stated="Selon l'indication de l'appelant: {name}; aucune image n'a été examinée.",
    more_urgent="C'est plus urgent que ce que demanderait {name} sans autre raison. La raison: "
    "{reasons}.",
    why_urgent={
        RaisedBy.MALIGNANT: "le score de malignité ({share})",
        RaisedBy.NEAR_THRESHOLD: "proche du seuil à partir duquel le conseil est plus urgent",
        RaisedBy.CHECKLIST: "la liste en 7 points",
        RaisedBy.NOT_DERMOSCOPIC: "image dont on ne sait pas si elle vient d'un dermatoscope",
        RaisedBy.NOT_EXAMINED: "aucune image n'a été examinée",
        RaisedBy.LITTLE_TESTED: "modèle peu testé sur ce type d'image",
        RaisedBy.UNTESTED_SKIN: "modèle non testé pour cette couleur de peau",
        RaisedBy.PICTURE: "l'une des images à elle seule",
        RaisedBy.UNCERTAIN: "l'incertitude",
    },
    why_cancer="la probabilité d'un cancer de la peau ou d'une forme précoce ({share})",
    why_cancer_restated="un cancer de la peau ou une forme précoce, non exclus",
    estimated="Estimation du modèle: {names}.",
    from_picture="D'après l'image seule: {names}.",
    with_what_was_told="Avec ce qui a été indiqué: {names}.",
    chance_alone="L'image {picture} à elle seule: {name}, {share}; toutes les images ensemble: "
    "{joined}.",
    chance_of_cancer="Son estimation pour tout cancer de la peau ou forme précoce: {share}.",
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
    remarks={
        Remark.COMPARED: "Le modèle a comparé l'image avec les images dont il a appris.",
        Remark.CALCULATED: "Le modèle a calculé une probabilité pour chaque affection.",
        Remark.PROBABILITY: "Probabilité calculée: {name}, {share}.",
        Remark.HIGHEST_PROBABILITY: "La probabilité la plus haute est: {highest}, {highest_share}.",
        Remark.FROM_MODEL: "Chaque probabilité vient d'un calcul du modèle.",
        Remark.WEIGHS: "Chaque probabilité dit comment le modèle pèse une affection.",
        Remark.COMPARES: "Le calcul compare les affections.",
        Remark.PARTS_OF_SUM: "Les probabilités des affections sont les parties d'une somme.",
        Remark.IN_ORDER: "Les affections sont classées dans l'ordre de leurs probabilités.",
        Remark.SCORE_ADDS: "Le score de malignité additionne les probabilités de plusieurs "
        "affections.",
        Remark.SCORE: "Le score de malignité est une somme, ici {score}.",
        Remark.CHECKLIST: "Points de la liste en 7 points: {points}.",
    },
)

FRENCH = Catalogue.model_validate(space_all_french(_WRITTEN.model_dump(), french=True))
