"""The receipt of an erasure in French."""

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
        "photos, avis, lettres, messages sur leurs taches, et le nom du patient. La loi demande au "
        "médecin de le conserver. Le médecin traitant le lit ; un administrateur peut lire un "
        "résultat en cas d'urgence, avec un motif. Jusqu'au {until} ; ensuite il est effacé sans "
        "qu'on le demande.",
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
        "llm": "Un modèle de langage a reçu le résultat en chiffres, sans photo ni nom : {count}, "
        "du {first} au {last}.",
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
