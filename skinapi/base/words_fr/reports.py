"""Reports in French: the labels of their pages, and the software's own sentences about a finding.

The sentences name diseases but say nothing else about them: every sentence about a disease is in
the conditions table.
"""

LABELS = {
    "title": "Rapport sur une lésion de la peau",
    "page": "Page {} sur {}",
    "patient": "Patient",
    "email": "E-mail",
    "submission": "Résultat",
    "number": "N° {}",
    "made": "Photo envoyée",
    "judged": "Jugé à nouveau",
    "judged_corrected": "corrigé avant : {}",
    "version": "version {}",
    "issued": "Établi le",
    "not_filed": "Non conservé par ce serveur; il ne peut pas être vérifié.",
    "not_printed": "□ remplace une lettre d'une écriture que cette page ne peut pas imprimer. Ces "
    "noms et notes se lisent dans la console ou dans le rapport en page web (report.html).",
    "basis": "Fondement",
    "as_stated": "Selon les indications de l'appelant; aucune image n'a été examinée.",
    "age": "Âge",
    "sex": "Sexe",
    "site": "Région",
    "skin_tone": "Couleur de peau",
    "skin_type": "Type de peau",
    "modality": "Type d'image",
    "kind_sent": "{kind}; envoyée comme: {sent}",
    "kind_unclear": "non reconnaissable sur l'image",
    "stated": "Selon l'appelant",
    "for_doctor": "Pour le médecin",
    "answer": "Réponse du modèle",
    "answer_unjudged": "Réponse du modèle. D'une photo qui n'a pas pu être jugée",
    "answer_uncertain": "Réponse du modèle. Incertaine",
    "malignant_score": "Cancer ou forme précoce",
    "checklist_score": "Liste en 7 points",
    "not_asked": "non remplie",
    "pictures": "Photo et carte de chaleur",
    "picture": "Image {}",
    "parts": "Ce qu'aurait donné chaque image à elle seule:",
    "photo": "Photo, {} × {} pixels à l'envoi; sans échelle.",
    "photo_text": "La photo de la lésion.",
    "overlay_text": "La photo, colorée là où elle a le plus compté pour la réponse, du violet pour "
    "peu au jaune pour le plus.",
    "overlay_scale": "Du violet (a peu compté pour la réponse) au jaune (a le plus compté).",
    "no_photo": "Aucune photo n'est conservée: ni photo ni carte de chaleur ne sont montrées.",
    "photo_damaged": "La photo conservée est endommagée: ni photo ni carte ne sont montrées.",
    "probabilities": "Probabilités, par ordre",
    "condition": "Affection",
    "probability": "Probabilité",
    "stated_share": "Confiance indiquée",
    "counted": "cancer de la peau ou forme précoce",
    "visit": "Votre consultation",
    "whom": "Qui consulter",
    "there": "Ce qui s'y passe",
    "how_often": "Est-ce souvent un cancer",
    "until": "D'ici là",
    "how_sure": "Ce que vaut cette réponse",
    "signs": "Signes indiqués",
    "doctor_reason": "Raison donnée par le médecin: {}",
    "ask_reason": "Le médecin n'a pas écrit pourquoi ce délai: demandez-lui la raison.",
    "explanation": "Explication",
    "findings_of_model": "Constatations du modèle",
    "findings": "Constatations",
    "limits": "Limites",
    "next_steps": "Et maintenant",
    "written_by_template": "Les petits numéros renvoient aux sources, à la fin.",
    "written_by_llm": "Rédigé par {} à partir de sources, chaque phrase comparée à sa source "
    "par {}; aucun médecin ne l'a lu. {} phrases sur {} sont de lui.",
    "sources": "Sources",
    "score": "{} sur {}",
    "points_alone": "Score: {} sur {}.",
    "points": "Score: {} sur {}; à partir de {}, un médecin doit la voir cette semaine.",
    "ticked": "oui",
    "denied": "non",
    "decided": "Avis de {}, {}",
    "model_unjudged": "Ce que le modèle avait répondu le {} est plus bas, pour le médecin.",
    "unjudged": "Cette photo n'a pas pu être jugée.",
    "says_nothing": "Cela ne dit pas ce qu'est la tache, car la photo n'a pas pu être jugée.",
    "asked": "Demandée par {}, {}",
    "model_said": "Ce que le modèle a répondu le {}. La décision ci-dessus compte.",
    "review": "Avis du médecin",
    "no_review": "Aucun médecin n'a encore donné son avis sur ce résultat.",
    "agreement": "Réponse du modèle",
    "review_label": "Avis retenu",
    "urgency_asked": "Urgence",
    "urgency_agreed": "{} (comme le modèle)",
    "histology": "Histologie",
    "not_taken": "aucun prélèvement",
    "review_replaced": "Dit le {}, remplacé depuis",
    "note": "Remarque",
    "letters": {
        "patient": "Lettre du médecin au patient",
        "colleague": "Lettre du médecin à un confrère",
    },
    "letter_by_model": "Ébauche rédigée par {}. Relue, modifiée si besoin, et signée par {}.",
    "signed": "Écrite et signée par {}, {}",
    "superseded_letter": {
        "decision": "Écrite le {}, avant la décision du {}, qui compte",
        "result": "Écrite le {}, avant le résultat du laboratoire du {}, qui compte",
        "finding": "Écrite le {}, avant la réponse du modèle du {}, qui demande davantage",
    },
    "superseded_at_once": {
        "decision": "Écrite juste avant la décision du {}, qui compte",
        "result": "Écrite juste avant le résultat du laboratoire du {}, qui compte",
        "finding": "Écrite juste avant la réponse du modèle du {}, qui demande davantage",
    },
    "decision_replaced": "Remplacé depuis: {}",
    "model_said_elsewhere": "Ce que le modèle a répondu le {}. C'est le conseil ci-dessus qui "
    "compte.",
    "withdrawn_letter": "Retirée par {}, {}: {}",
    "model": "Modèle",
    "operating_point": "Réglage",
    "operating_points": {
        "cautious": "prudent: adresse le plus de cancers à un médecin",
        "standard": "standard",
        "selective": "sélectif: évite le plus de consultations inutiles",
    },
    "verification": "Vérification",
    "scan": "Vérifier",
    "address": "Adresse",
    "how_to_verify": "Le code de la première page mène à cette adresse. Elle dit si un rapport de "
    "ce code a été établi et reste en vigueur, et ne montre aucune donnée du patient.",
    "valid": "Un rapport de ce code a été établi par ce serveur, et reste en vigueur.",
    "outdated": "Un rapport de ce code a été établi par ce serveur.",
    "unknown": "Aucun rapport n'existe sous ce code: il n'a jamais été établi ici, ou a été "
    "effacé.",
    "in_error": "Ce rapport ne vaut rien : son résultat a été enregistré par erreur. Cela a été "
    "noté le {}. Ne vous y fiez pas, et demandez à la personne qui vous l’a remis.",
    "newest": "C'est le plus récent sur ce résultat: rien ne s'y est ajouté depuis.",
    "superseded": "Ce n'est pas le plus récent sur ce résultat.",
    "newer": {
        "newer_report_at": "Un rapport plus récent a été établi le {}.",
        "later_decision_at": "Un médecin s'est prononcé depuis, le {}. Ce rapport ne dit pas ce "
        "qu'il a décidé.",
        "later_letter_at": "Un médecin a écrit une lettre depuis, le {}. Elle n'est pas dans ce "
        "rapport.",
        "letter_withdrawn_at": "Un médecin a retiré une lettre depuis, le {}.",
        "model_withdrawn_at": "La version du modèle de ce rapport a été retirée le {}.",
        "judged_again_at": "La photo a été jugée à nouveau, le {}. Ce rapport ne le dit pas.",
        "spot_changed_at": "Depuis le {}, autre chose vaut pour cette tache.",
    },
    "model_withdrawn": "Ce résultat a été donné par {}, une version qui a été retirée le {}.",
    "ask_for_newest": "Ne vous y fiez pas: demandez le plus récent à la personne qui vous l'a "
    "remis.",
    "compare": "Comparez ces indications avec le papier ou le fichier que vous avez. Si l'une "
    "d'elles est différente, ce n'est pas ce rapport, même s'il lui ressemble.",
    "pages_of_pdf": "Pages",
    "code": "Le code commence par",
    "moment": "{day}, {time} UTC",
    "modalities": {
        "dermoscopic": "dermatoscopique",
        "clinical": "photographie ordinaire",
        "unknown": "non précisé",
    },
    "sexes": {
        "female": "féminin",
        "male": "masculin",
        "other": "autre",
    },
    "skin_tones": {
        "light": "claire",
        "medium": "mate",
        "dark": "foncée",
    },
    "ages": {
        "0-29": "0–29 ans",
        "30-44": "30–44 ans",
        "45-59": "45–59 ans",
        "60-74": "60–74 ans",
        "75+": "75 ans ou plus",
    },
    "sites": {
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
    "lateralities": {
        "left": "{}, à gauche",
        "middle": "{}, ligne médiane",
        "right": "{}, à droite",
    },
    "body_sides": {"front": "{} (devant)", "rear": "{} (derrière)"},
    "agreements": {
        "agree": "le médecin est d'accord avec le modèle",
        "disagree": "le médecin n'est pas d'accord avec le modèle",
        "unsure": "le médecin hésite",
    },
}

# The facts fill in the places in braces.
SENTENCES = {
    "uncertain": "Ce résultat est incertain: {doubts}.",
    "doubts": {
        "not_surely_skin": "l'image ne ressemble pas à de la peau pour le programme",
        "pictures_disagree": "les images ne concordent pas",
        "too_close": "les possibilités sont proches l'une de l'autre",
        "unlike_training": "l'image ne ressemble pas à celles dont le modèle a appris",
    },
    "in_case": "Au cas où ce serait {name}:",
    "as_stated": "Selon l'indication de l'appelant: {name}; aucune image n'a été examinée.",
    "both": "{} et {}",
    "near_limit": "Le contrôle est un peu moins sûr que pour la plupart de ces taches; la faire "
    "regarder à la prochaine visite chez un médecin.",
    "why_urgent": {
        "malignant": "cancer de la peau ou forme précoce au-dessus du seuil "
        "(tous ensemble {share})",
        "near_threshold": "proche du seuil à partir duquel le conseil est plus urgent",
        "checklist": "la liste en 7 points",
        "told_signs": "ce qui a été dit de la tache",
        "not_dermoscopic": "image dont on ne sait pas si elle vient d'un dermatoscope",
        "not_examined": "aucune image n'a été examinée",
        "little_tested": "modèle peu testé sur ce type d'image",
        "untested_skin": "modèle testé sur trop peu de lésions sur une telle peau",
        "picture": "l'image {picture} à elle seule ({why})",
        "from_picture": "l'image seule, qui demande un degré d'urgence de plus",
        "uncertain": "l'incertitude",
    },
    "why_open": "{name} que l'on ne peut pas exclure",
    "any_cancer": "un cancer de la peau ou une forme précoce",
    "how_probable": "{name}: {share}",
    "estimated": "Estimation du modèle: {names}.",
    "chance_alone": "L'image {picture} à elle seule: {name}, {share}; toutes les images ensemble: "
    "{joined}.",
    "chance_of_cancer": "Tout cancer de la peau ou forme précoce: {share}.",
    "malignant_score": "Cancer de la peau ou forme précoce, tous ensemble ({names}): {share}.",
    "stated_confidence": "Confiance selon l'appelant: {name}, {share}; rien ici ne la confirme.",
    "band": "Urgence: {label}; la raison: {reasons}.",
    "checklist_score": "La liste en 7 points a été remplie; son score: {score}.",
}

# How a day is written.
DAYS = {
    "months": "janvier février mars avril mai juin juillet août septembre "
    "octobre novembre décembre",
    "day": "{day} {month} {year}",
    "by": "Au plus tard le {day}.",
    "first": "1er",
    "weekday": "{day} ({weekday})",
    "weekdays": "lundi mardi mercredi jeudi vendredi samedi dimanche",
}

# Who will look at a finding, for its owner.
LOOKS = {
    "doctor": "{name} regardera ce résultat. {when}",
    "doctors": "Les médecins de la clinique regarderont ce résultat. {when}",
    "unknown": "Il n'y a pas encore de réponse.",
    "one_day": "La réponse vient en général en un jour.",
    "days": "La réponse vient en général dans les {days} jours.",
    "late": "La réponse tarde : appelez {clinic}, et donnez le numéro {number} de ce résultat.",
    "clinic": "la clinique",
    "unseen_doctor": "{name} lit ce résultat, mais ne peut pas voir la tache : la photo n'est pas "
    "gardée. {then}",
    "unseen_doctors": "Les médecins de la clinique lisent ce résultat, mais ne peuvent pas voir la "
    "tache : la photo n'est pas gardée. {then}",
    "again": "Renvoyez la photo en acceptant qu'elle soit gardée, ou montrez la tache à un "
    "médecin.",
    "again_by": "Renvoyez la photo en acceptant qu'elle soit gardée, ou montrez la tache à un "
    "médecin. Faites-vous examiner au plus tard le {day}.",
    "show": "Montrez la tache à un médecin.",
    "show_by": "Montrez la tache à un médecin au plus tard le {day}.",
    "nobody": "Personne ici ne regardera ce résultat. Pour un avis, demandez à un médecin de votre "
    "choix.",
    "nobody_by": "Personne ici ne regardera ce résultat : allez chez un médecin de votre choix "
    "au plus tard le {day}.",
    "nobody_go": "Personne ici ne regardera ce résultat : allez chez un médecin de votre choix.",
}

# For the owner of a finding that somebody else has filed.
FILED = {
    "doctor": "Un médecin a déposé ici cette photo de vous le {day}.",
    "clinic": "La clinique a déposé ici cette photo de vous le {day}.",
}

# For a doctor who has signed: how the patient hears of it, and from when.
TELLING = {
    "held_unsaid": "Le patient n'en lit rien jusqu'au {when} : il s'agit d'un cancer, et personne "
    "n'a dit qui l'annonce au patient (told_by). Annoncez-le-lui avant.",
    "held_doctor": "Le patient n'en lit rien jusqu'au {when} : vous le lui annoncez avant.",
    "held_letter": "Le patient ne lit cette lettre qu'après le {when} : ce qui a été décidé est "
    "retenu jusque-là.",
    "mail": "Le patient le voit dès maintenant, et un e-mail lui dit qu'un médecin a répondu.",
    "log_in": "Aucun e-mail ne part vers ce patient. Il le voit à sa prochaine connexion, et n'en "
    "sait rien avant.",
    "other_system": "Personne ne se connecte ici pour ce patient, et aucun e-mail ne lui "
    "parvient : le système qui a envoyé le patient le montre.",
    "colleague": "C'est pour le médecin qui a demandé. Le patient n'en lit rien.",
    "record": "Le compte du patient est supprimé. Personne n'est prévenu.",
    "when": "{day}, {time} UTC",
}

# Of a finding that was entered in error. `taken_back` is its reason where a program says so.
ERRORS = {
    "in_error": "Ce résultat a été enregistré par erreur et ne vaut rien.",
    "taken_back": "Le système de la clinique qui avait envoyé cette photo l'a retirée.",
    "restored": "Il avait été enregistré par erreur. Le serveur a été restauré depuis.",
}

# The sentences of a letter's draft.
# Of a letter's draft. `named` stands only in letters that were signed under an earlier version.
LETTERS = {
    "to_patient": "Bonjour {patient},",
    "to_colleague": "Cher confrère, chère consœur,\n\nCette lettre concerne: {patient}.",
    "opening": {
        "judged": "Merci pour votre photo. Je l'ai regardée personnellement, et je vous écris pour "
        "vous dire ce que j'en pense.",
        "unjudged": "Merci pour votre photo. Je l'ai regardée personnellement, mais elle n'en "
        "montre pas assez pour que je puisse juger la tache.",
    },
    "about": {
        "patient": "Cette lettre concerne votre tache{spot}, photographiée le {date}.",
        "colleague": "La tache{spot} a été photographiée le {date} (résultat {number}).",
    },
    "spot": {"named": " «{name}»", "placed": " ({place})"},
    "person": "Patient: {facts}.",
    "signs": "Signes indiqués par le patient: {signs}.",
    "no_signs": "Les signes de la liste en 7 points ont été demandés; aucun n'est indiqué.",
    "course": "Photos antérieures: {course}.",
    "suspected": "Ce que je suspecte n'est pas encore prouvé. Voici ce que ce serait: {what}",
    "question": {
        "suspected": "Pourriez-vous examiner cette lésion, et décider s'il faut la prélever ou "
        "l'enlever? Motif: je suspecte ceci: {name}. Une photo ne permet pas de trancher.",
        "proven": "Pourriez-vous voir le patient, et décider du traitement? Motif: le laboratoire "
        "a trouvé ceci: {name}.",
        "awaited": "Un prélèvement a été fait. Je vous en informe; merci d'attendre le résultat "
        "avec moi.",
        "unjudged": "La photo n'en montre pas assez pour juger; j'en ai demandé une autre. Si vous "
        "voyez le patient d'ici là, pourriez-vous regarder cette lésion?",
        "open": "Pourriez-vous examiner cette lésion? Motif: une photo seule ne permet pas de "
        "trancher.",
        "benign": "Cette lettre est pour votre dossier. Pourriez-vous revoir la lésion si elle "
        "change?",
    },
    "ask": "Si quelque chose n'est pas clair, n'hésitez pas à me poser vos questions.",
    "closing": "Cordialement\n{doctor}",
}

# What our own codes in a structured report mean; DICOM allows 64 characters.
CODES = {
    "probability": "Probabilité: {condition}",
    "malignant_score": "Score de malignité: somme de ce qui compte comme malin",
    "age_band": "Tranche d'âge en années, comme indiqué",
    "sign": "Signe de la liste, comme indiqué",
    "checklist_score": "Score de la liste pondérée en 7 points",
    "risk_band": "Niveau de risque",
    "most_likely": "Le plus probable selon le modèle",
    "not_ruled_out": "Non exclu par le modèle",
    "of_condition": "De quelle affection",
    "includes": "L'une de plusieurs affections réunies",
    "doubt": "Pourquoi le résultat est incertain",
    "not_surely_skin": "Ce n'est peut-être pas de la peau",
    "pictures_disagree": "Les photos ne concordent pas",
    "too_close": "Plusieurs affections sont presque aussi probables",
    "unlike_training": "Différent des photos apprises par le modèle",
    "suspected": "Suspecté, sans conclusion",
    "urgency": "Urgence",
    "certainty": "Certitude",
    "sure": "Sûr",
    "unsure": "Pas sûr",
    "histology": "Histologie",
    "not_taken": "Aucun prélèvement",
    "awaited": "Résultat attendu",
    "confirmed": "Confirmé par le laboratoire",
    "wanted": "Demandé",
    "new_picture": "Une autre photo",
}
