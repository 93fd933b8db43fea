"""A breach in French: what was touched, what the audit trail cannot tell, the note for Art. 33."""

BREACH = {
    "acts": {
        "read_photo": "photos vues",
        "read_record": "résultats, taches ou messages lus",
        "wrote": "écrit ou modifié",
        "exported": "copié au dehors",
        "account": "compte modifié",
        "own": "par le compte lui-même",
    },
    "questions": {
        "key": "la clé d'un programme était en d'autres mains ({asked})",
        "account": "un compte était en d'autres mains ({asked})",
        "span": "le serveur était ouvert à d'autres du {since} au {until}",
    },
    "gaps": {
        "own": "Lire ses propres données ne laisse pas de ligne. Qui a volé un compte a vu tout ce "
        "que ce compte montre.",
        "daily": "Lire un dossier et voir de petites photos font une ligne par lecteur, patient et "
        "jour: combien de fois ce jour-là, personne ne le sait.",
        "before": "Lire sans photo laisse une ligne depuis le {moment}. Ce qui a été lu avant, le "
        "journal ne le dit pas.",
        "never": "Lire sans photo n'a encore laissé aucune ligne ici: personne n'a lu le dossier "
        "d'autrui depuis cette version, ou elle tourne depuis aujourd'hui.",
        "accounts": "Les listes de comptes d'un administrateur montrent noms et adresses e-mail, "
        "sans laisser de ligne.",
        "log_ins": "Une connexion ne laisse pas de ligne, et son adresse n'est que dans le journal "
        "du serveur, là où LOG_ADDRESSES était activé.",
        "copies": "Qui a une copie du disque, de la base de données ou d'une sauvegarde a tout ce "
        "qu'elle contient, sans laisser de ligne.",
        "sent": "Ce qui a été transmis à d'autres systèmes (voir ce qui quitte le serveur) est "
        "dans "
        "leurs journaux.",
        "erased": "D'un compte effacé depuis, le journal n'a que l'identifiant.",
        "secret": "Qui a eu JWT_SECRET_KEY peut avoir fait des jetons de tout compte, et des "
        "lignes "
        "qui semblent justes. Comparez avec un journal conservé ailleurs.",
    },
    "columns": {
        "id": "compte",
        "email": "e-mail",
        "name": "nom",
        "role": "rôle",
        "times": "lignes",
        "first": "première",
        "last": "dernière",
    },
    "note": """Notification d'une violation de données à caractère personnel (article 33 du RGPD)

À envoyer à l'autorité de contrôle dans les 72 heures après en avoir pris connaissance. Si c'est
maintenant ({moment}), jusqu'au {deadline}. Ce qui n'est pas encore connu peut suivre.

Responsable: {controller}
Contact: {contact}

1. Ce qui s'est passé: {question}.
   Période: du {first} au {last}, pour autant que le journal d'audit le montre.
   [Comment et quand cela a été découvert: à compléter]
2. Personnes: {persons}. Lignes du journal à leur sujet: {rows}.
   Catégories de données: {kinds}.
3. Conséquences probables: [à compléter. Les photos et résultats de peau sont des données de santé
   (article 9): les personnes sont sans doute à informer aussi, article 34]
4. Mesures prises et prévues: [à compléter: clé révoquée, compte suspendu, sessions fermées, mot de
   passe et JWT_SECRET_KEY changés]

Ce que le journal d'audit ne peut pas dire:
{gaps}
""",
}
