"""A person's rights in French: the file of a person, the receipt of an erasure."""

# The page of a person's file.
PAGE = {
    "labels": {
        "title": "Tout ce qui vous concerne",
        "of": "Tout ce que ce serveur conserve sur {name}",
        "made": "Fait le {moment} par {server}",
        "how": "Décompressez d'abord tout le fichier ZIP, puis ouvrez index.html dans le dossier. "
        "Les photos s'ouvrent alors d'un clic, même sans réseau.",
        "print": "Vous pouvez imprimer cette page.",
        "contents": "Sommaire",
        "account": "Votre compte",
        "consents": "Ce que vous avez accepté",
        "devices": "Où vous êtes connecté",
        "keys": "Clés pour programmes",
        "spots": "Vos taches et vos messages",
        "no_spot": "Messages généraux",
        "findings": "Vos résultats",
        "audit": "Qui a fait quoi",
        "files": "Pour d'autres programmes",
        "left_out": "Ce qui n'y est pas",
        "nothing": "Il n'y a rien.",
        "name": "Nom",
        "email": "Adresse e-mail",
        "role": "Rôle",
        "since": "Inscription",
        "since_login": "Connexion",
        "since_made": "Création",
        "status": "État",
        "language": "Langue",
        "birth_year": "Année de naissance",
        "sex": "Sexe",
        "doctor": "Votre médecin",
        "second_factor": "Second facteur",
        "browsers": "Navigateurs qui ont ouvert le compte",
        "notices": "E-mails autres que de sécurité",
        "password": "Mot de passe",
        "yes": "oui",
        "no": "non",
        "is_set": "défini",
        "is_none": "aucun",
        "purpose": "But",
        "agreed": "Accepté",
        "when": "Date",
        "version": "Version du texte",
        "client": "Navigateur ou programme",
        "used": "Dernière utilisation",
        "ends": "Fin",
        "scopes": "Autorise",
        "uses": "Utilisations",
        "spot_deleted": "Vous avez supprimé cette tache le {day}. Ses messages restent pour le "
        "médecin responsable.",
        "you": "Vous",
        "finding": "Résultat {number}",
        "photo": "Photo {place} du résultat {number}",
        "photo_missing": "La photo conservée est endommagée ou perdue. Elle n'est donc pas dans le "
        "fichier.",
        "no_photo": "Aucune photo n'a été conservée.",
        "told": "Ce que vous avez indiqué",
        "earlier": "Ce que le modèle disait avant de la même photo. Cela ne compte plus.",
        "doctors": "Ce que des médecins ont écrit",
        "review": "{doctor}, {moment}",
        "page_left_out": "Le texte de ce résultat n'a pas pu être écrit ici. Ses données sont dans "
        "data.json.",
        "who": "Qui",
        "what": "Quoi",
        "about": "À propos de",
        "newest": "Les {shown} plus récentes de {all} entrées. Toutes sont dans data.json.",
        "files_text": "data.json dit la même chose aux programmes, et davantage : toutes les "
        "entrées de « Qui a fait quoi », les tâches de calcul, les courriels et les chiffres de "
        "la carte de chaleur.",
        "missing": "{count} photos ou résultats n'ont pas pu être ajoutés. data.json les nomme.",
    },
    "left_out_items": [
        (
            "Les mots de passe, les codes et les secrets des clés : seules leurs empreintes sont "
            "conservées."
        ),
        (
            "Ce que d'autres conservent ailleurs sur vous : les e-mails de votre boîte, les "
            "copies reprises par un médecin ou un autre système."
        ),
        "Ce qu'un médecin a écrit sur d'autres personnes. Cela leur appartient.",
        (
            "Ce qu'un médecin veut d'abord vous dire en personne. Vous le trouvez dans votre "
            "compte, dans quelques jours au plus."
        ),
    ],
    "roles": {
        "me": "Vous",
        "user": "Un patient",
        "doctor": "Un médecin",
        "researcher": "Un chercheur",
        "admin": "Un administrateur",
        "program": "Un programme",
        "system": "Le serveur",
        "anonymous": "Quelqu'un sans connexion",
        "deleted": "Un compte supprimé",
    },
    "statuses": {
        "approved": "ouvert",
        "waiting": "attend l'approbation",
        "suspended": "suspendu",
        "deleting": "en cours de suppression",
    },
    "purposes": {
        "photos": "Garder mes photos",
        "llm": "Laisser un modèle de langage formuler les rapports et ébaucher les lettres",
        "training": "Mes photos peuvent servir à entraîner un modèle",
        "sharing": "Montrer à un confrère de mon médecin",
    },
    "actions": {
        "breakglass.ask": "a demandé un accès d'urgence",
        "breakglass.choose": "a choisi un résultat en urgence",
        "breakglass.read": "a ouvert un résultat en urgence",
        "photo.to_dataset": "a repris une photo dans un jeu de données",
        "patient.add": "a ajouté le compte",
        "doctor.assign": "a attribué un médecin",
        "account.approve": "a ouvert le compte",
        "account.assign": "a attribué un médecin",
        "account.join": "a réuni deux de vos comptes",
        "account.consents": "a changé les accords",
        "account.guessing": "a saisi des mots de passe ou codes faux",
        "account.locale": "a changé la langue",
        "account.logout": "s'est déconnecté",
        "account.person": "a changé l'année de naissance ou le sexe",
        "account.notices": "a changé les e-mails envoyés",
        "account.password": "a changé le mot de passe",
        "account.register": "a créé le compte",
        "account.reset_password": "a réinitialisé le mot de passe",
        "account.second_factor": "a mis en place le second facteur",
        "account.suspend": "a suspendu le compte",
        "case.take": "a pris le cas",
        "case.give_back": "a rendu le cas",
        "case.ask_opinion": "a demandé l'avis d'un confrère",
        "case.close_opinion": "a clos la question à un confrère",
        "key.revoke": "a révoqué une clé",
        "lesion.create": "a ajouté une tache",
        "lesion.change": "a modifié une tache",
        "lesion.delete": "a supprimé une tache",
        "lesion.join": "a réuni deux taches",
        "letter.draft": "a commencé une lettre",
        "letter.sign": "a signé une lettre",
        "letter.withdraw": "a retiré une lettre",
        "message.send": "a écrit un message",
        "person_file.make": "a fait faire un tel fichier",
        "person_file.fetch": "a téléchargé un tel fichier",
        "person_file.delete": "a supprimé un tel fichier",
        "job.submit": "a demandé un long travail, comme ce fichier",
        "job.cancel": "a arrêté un tel travail",
        "photo.read": "a regardé une photo",
        "thumbnail.read": "a regardé de petites photos",
        "report.issue": "a ouvert un rapport",
        "review.create": "a signé un avis",
        "review.show": "a montré ce qui était retenu",
        "session.end": "a mis fin à une session",
        "submission.create": "a envoyé une photo",
        "submission.judge_again": "a fait réévaluer une photo",
        "submission.delete": "a supprimé un résultat",
        "submission.sort": "a attribué un résultat à une tache",
        "account.erase_again": "a effacé de nouveau le compte après une restauration",
        "account.link": "a lié le compte à la connexion de la clinique",
        "account.unlink": "a mis fin au lien avec la connexion de la clinique",
        "account.allow_link": "a permis un lien avec la connexion de la clinique",
        "account.password_link": "a créé un lien pour un nouveau mot de passe",
        "account.plan_deletion": "a demandé la suppression du compte",
        "account.take_deletion_back": "a renoncé à la suppression du compte",
        "account.recovery_code": "a utilisé un code de secours",
        "account.second_factor_removed": "a retiré le second facteur",
        "account.refuse": "a refusé le compte",
        "account.unrefuse": "est revenu sur le refus",
        "account.unapprove": "est revenu sur l'ouverture du compte",
        "archive.send_again": "a renvoyé un résultat à l'archive de la clinique",
        "breakglass.end": "a mis fin à un accès d'urgence",
        "case.withdraw_opinion": "a clos la question à un confrère",
        "key.make": "a créé une clé pour programmes",
        "key.session": "a créé une clé pour une page d'un autre programme",
        "letter.change": "a modifié une lettre",
        "letter.delete": "a effacé l'ébauche d'une lettre",
        "message.done": "a marqué des messages comme réglés, sans réponse",
        "record.read": "a lu des résultats, taches ou messages",
        "retention.photo": "a supprimé une photo, son délai étant écoulé",
        "retention.finding": "a supprimé un résultat, son délai étant écoulé",
        "retention.message": "a supprimé des messages, leur délai étant écoulé",
        "retention.warn": "a annoncé la suppression du compte",
        "retention.hold": "a arrêté ce qui s'efface de soi-même",
        "retention.release": "a laissé reprendre ce qui s'efface de soi-même",
        "session.reuse": "a utilisé un jeton déjà utilisé",
    },
}

# The receipt of an erasure.
RECEIPTS = {
    "title": "Reçu d'un effacement",
    "unknown": "Aucun reçu avec ce code n'a été établi ici.",
    "forged": "Ce reçu n'est plus tel que le serveur l'a signé. Ne vous y fiez pas.",
    "pending": "L'effacement a commencé. Plus personne ne peut ouvrir le compte. Ce reçu sera "
    "complet quand tout sera supprimé : revenez dans quelques minutes.",
    "headlines": {
        "account": "Ce compte et ses données ont été effacés. Ce qui reste, et où, est dit "
        "plus bas.",
        "all_but_record": "Ce compte a été effacé. Le dossier médical est conservé, comme la loi "
        "l'exige.",
        "record": "Le dossier médical qui était conservé de ce compte a été effacé.",
    },
    "genuine": "La signature est celle de ce serveur.",
    "asked_by": {
        "person": "la personne, avec son mot de passe",
        "admin": "un administrateur",
        "system": "le serveur, parce qu'un délai était écoulé",
    },
    "reasons": {
        "asked": "la personne l'a demandé",
        "second_account": "la personne a un autre compte",
        "not_used": "le compte n'est plus utilisé",
        "other": "une autre raison",
    },
    "labels": {
        "code": "Code",
        "account": "Compte (un numéro, sans nom)",
        "asked_by": "Demandé par",
        "reason": "Motif",
        "begun": "Commencé",
        "gone": "Données retirées du stockage",
        "completed": "Terminé",
        "fingerprint": "Clé du serveur",
        "verify": "À vérifier sur",
        "erased": "Ce qui a été effacé",
        "kept": "Ce qui est conservé, pourquoi et jusqu'à quand",
        "backups": "Sauvegardes antérieures",
        "remains": "Ce que les fichiers du stockage peuvent encore contenir",
        "elsewhere": "Ce qui a été envoyé et ne peut pas être rappelé",
    },
    "kinds": {
        "account": "Compte, avec l'adresse e-mail et le mot de passe",
        "findings": "Résultats",
        "photos": "Photos",
        "thumbnails": "Petites copies de photos",
        "reviews": "Avis de médecins",
        "letters": "Lettres",
        "reports": "Rapports, avec leurs PDF",
        "spots": "Taches",
        "messages": "Messages",
        "jobs": "Tâches de calcul, avec leurs dossiers, journaux et fichiers exportés",
        "uploads": "Envois de fichiers",
        "datasets": "Jeux de données",
        "dataset_pictures": "Copies de photos dans des jeux de données",
        "sessions": "Connexions",
        "keys": "Clés pour des programmes",
        "session_keys": "Clés pour des pages d'autres programmes",
        "password_links": "Liens pour un nouveau mot de passe",
        "log_ins": "Connexions par la clinique en cours",
        "known_addresses": "Réseaux connus (empreintes)",
        "deliveries": "Messages à d'autres systèmes, en attente ou envoyés",
        "emergency_accesses": "Accès d'urgence des administrateurs, avec leurs motifs",
        "notices": "Courriels en attente",
    },
    "nothing": "Rien.",
    "kept": {
        "record": "Le dossier médical : les résultats à propos desquels un médecin a signé quelque "
        "chose, et ceux des mêmes taches qui sont au moins aussi urgents ({count}), avec les "
        "photos, avis, lettres, messages sur leurs taches ou sur aucune, et le nom du patient. La "
        "loi demande au médecin de le conserver. Le médecin traitant le lit ; un "
        "administrateur peut lire un résultat en cas d'urgence, avec un motif. Jusqu'au {until} ; "
        "ensuite il est effacé sans qu'on le demande.",
        "audit": "Qui a fait quoi et quand, avec des numéros au lieu de noms. C'est la preuve de "
        "ce qui a été fait des données. Jamais supprimé.",
        "counts": "Le nombre de résultats de chaque jour, sans personne. Jamais supprimé.",
        "signed": "Les avis, lettres et messages que ce médecin a signés, avec son nom : ils "
        "appartiennent aux patients. Jusqu'à la suppression de leurs comptes.",
        "model": "Des modèles qui ont appris de photos de cette personne : {names}. Ils ne "
        "contiennent aucune photo, mais ce qui en a été appris. Jusqu'à ce qu'un administrateur "
        "les supprime.",
        "model_perhaps": "Des modèles qui ont peut-être appris de photos de cette personne, "
        "retirées auparavant des jeux de données : {names}. Rien de ce qui est stocké ne dit de "
        "qui étaient les photos.",
        "person_to_reach": "Le nom, l'adresse e-mail et le numéro du résultat, pour le médecin "
        "qui avait quelque chose à annoncer, ou pour qui regarde les résultats urgents : jusqu'à "
        "ce que ce soit fait, au plus tard le {until}.",
        "address": "L'adresse e-mail, pour le courriel avec ce reçu : jusqu'à son envoi, au plus "
        "tard jusqu'au {until}.",
    },
    "elsewhere": {
        "archive": "Les archives d'images de la clinique : {count}, du {first} au {last}. "
        "Adressez-vous à la clinique.",
        "llm": "Un modèle de langage a reçu le résultat, ou ce qui a été indiqué et décidé pour "
        "une lettre, sans photo ni nom : {count}, du {first} au {last}.",
        "webhooks": "D'autres programmes de la clinique ont été prévenus de résultats, par des "
        "numéros : {count}, du {first} au {last}.",
        "mail": "Des courriels à la personne sont dans les boîtes aux lettres. Aucun ne dit rien "
        "de la santé.",
    },
    "findings": ["{count} résultat", "{count} résultats"],
    "backups": "Ces sauvegardes contiennent encore les données. Si l'une d'elles est restaurée "
    "avec la liste des numéros effacés, le serveur les efface de nouveau avant que quiconque "
    "puisse se connecter.",
    "no_backups": "Aucune que le serveur connaisse. Il ne connaît pas les copies faites autrement.",
    "remains": {
        "log_in_use": "Le journal de SQLite, parce qu'il était lu. Les prochaines écritures "
        "l'écrasent.",
        "file_too_large": "Des parties libres du fichier de SQLite, trop grand pour être réécrit. "
        "L'exploitant peut le faire par une commande.",
        "disk_too_full": "Des parties libres du fichier de SQLite : le disque n'avait pas la place "
        "de le réécrire.",
        "freed_blocks": "Des blocs libres dans les fichiers de MongoDB, jusqu'à ce que MongoDB "
        "écrive par-dessus.",
        "journal": "Le journal de MongoDB, jusqu'à ce qu'il soit renouvelé : quelques minutes, en "
        "général.",
        "oplog": "Le journal des changements de MongoDB, sur chacun de ses serveurs, jusqu'à ce "
        "qu'il soit plein : des heures ou des semaines.",
        "compact_refused": "Des blocs libres dans les fichiers de MongoDB : ce serveur n'a pas le "
        "droit de les faire rendre.",
        "disk": "Ce que le disque garde de blocs rendus. Seul le chiffrement du disque y remédie.",
    },
    "no_remains": "Rien que le serveur connaisse : tout a été écrasé.",
    "how_to_verify": "Qui a le code peut vérifier ce reçu à l'adresse ci-dessus. Il ne nomme "
    "personne. Avec la clé du serveur, il peut aussi être vérifié sans le serveur.",
}
