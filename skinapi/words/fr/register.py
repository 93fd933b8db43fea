"""The register of processing in French. What stands in braces is a setting in force."""

REGISTER = {
    "labels": {
        "title": "Registre des traitements",
        "made": "Établi le {moment} d'après ce que ce serveur conserve et ses réglages.",
        "law": "Article 30 du RGPD",
        "controller": "Responsable",
        "name": "Nom",
        "contact": "Contact pour la protection des données",
        "address": "Adresse du serveur",
        "not_set": "non renseigné ({setting})",
        "purposes": "Finalités",
        "persons": "Personnes concernées",
        "kinds": "Données",
        "recipients": "Destinataires",
        "off": "désactivé",
        "to": "Vers",
        "sent": "Ce qui est transmis",
        "setting": "Réglage",
        "outside": "Peut être hors de ce réseau: est-ce dans un autre pays, et y a-t-il un "
        "contrat?",
        "inside": "Cette machine ou un réseau privé.",
        "nothing_personal": "rien d'une personne",
        "retention": "Durées de conservation",
        "what": "Quoi",
        "until": "Jusqu'à",
        "measures": "Mesures de sécurité",
        "yes": "oui",
        "no": "non",
        "flow": "Ce qui quitte ce serveur",
        "server": "Ce serveur",
        "all_off": "Rien ne le quitte: tout est désactivé.",
        "legal_basis": "La base légale de chaque finalité et les contrats de sous-traitance sont à "
        "ajouter par vos soins.",
    },
    "purposes": {
        "care": {
            "title": "Évaluation de photos de peau et suivi par un médecin",
            "text": "Une photo devient un résultat; un médecin le relit, écrit au patient et suit "
            "les taches dans le temps.",
        },
        "account": {
            "title": "Comptes",
            "text": "Qui peut utiliser le serveur, dans quel rôle, et ce que chacun a accepté.",
        },
        "security": {
            "title": "Sécurité et preuve",
            "text": "Connexions, essais de mots de passe, et journal d'audit: qui a fait quoi.",
        },
        "notices": {
            "title": "Avis par e-mail",
            "text": "Un e-mail dit que quelque chose attend. Il ne dit rien de la santé de "
            "personne.",
        },
        "programs": {
            "title": "Échange avec d'autres systèmes",
            "text": "Clés de programmes, et messages aux autres systèmes de la clinique.",
        },
        "rights": {
            "title": "Droits des personnes",
            "text": "Copies des données d'une personne, effacements avec leurs reçus, et accès en "
            "urgence.",
        },
        "lab": {
            "title": "Entraînement et essai du modèle",
            "text": "Jeux de données, aussi à partir de résultats relus de patients qui l'ont "
            "accepté.",
        },
        "operation": {
            "title": "Exploitation",
            "text": "Des nombres sur l'usage et le modèle, jour par jour, sans nom.",
        },
    },
    "persons": {
        "patient": "patients",
        "account": "titulaires d'un compte",
        "doctor": "médecins",
        "nobody": "personne",
    },
    "kinds": {
        "identity": "noms",
        "contact": "adresses e-mail",
        "health": "données de santé",
        "picture": "photos",
        "free_text": "textes écrits par des personnes",
        "technical": "réglages, dates et états",
        "pseudonym": "identifiants sans nom",
        "secret": "empreintes de mots de passe et de clés",
    },
    "recipients": {
        "llm": {
            "title": "Fournisseur de LLM",
            "text": "les faits d'un résultat, avec l'accord du patient seulement; jamais de photo, "
            "de nom ni d'adresse e-mail",
        },
        "mail": {
            "title": "Serveur de messagerie",
            "text": "l'adresse e-mail et une phrase qui dit que quelque chose attend",
        },
        "mongodb": {"title": "MongoDB", "text": "tout ce qui est conservé"},
        "rate_limits": {
            "title": "Compteur de limites",
            "text": "identifiants de comptes et adresses IP, un jour au plus",
        },
        "broker": {"title": "Courtier de messages des tâches", "text": "identifiants de tâches"},
        "log_in": {
            "title": "Connexion de la clinique (OpenID Connect)",
            "text": "que quelqu'un se connecte ici; nom, adresse e-mail et groupes en viennent",
        },
        "webhooks": {
            "title": "Webhooks",
            "text": "identifiants de résultats, de lettres et de comptes; les résultats là où un "
            "administrateur l'a choisi",
        },
        "archive": {
            "title": "Archive d'images",
            "text": "photos, résultats et rapports sans nom, sous le numéro du patient si "
            "l'image vient d'une archive, sinon sous l'identifiant du compte",
        },
        "syslog": {
            "title": "Serveur de journaux (syslog)",
            "text": "chaque ligne du journal d'audit: identifiants de comptes, action, date",
        },
        "engine": {"title": "Serveur d'inférence", "text": "images, en nombres, sans nom"},
        "programs": {
            "title": "Programmes avec une clé",
            "text": "ce qu'ouvre la clé: résultats, photos, lettres, journal d'audit",
        },
        "backups": {
            "title": "Sauvegardes",
            "text": "tout ce qui est conservé; l'exploitant décide où elles sont gardées",
        },
        "packages": {
            "title": "Dépôt de paquets Python",
            "text": "rien d'une personne; seulement quand un administrateur installe les "
            "bibliothèques du laboratoire",
        },
    },
    "stored": {
        "account": {
            "title": "compte",
            "until": "sa suppression; s'il n'est pas approuvé, {waiting_account_days} jours",
        },
        "consent": {
            "title": "consentement",
            "until": "la suppression du compte",
        },
        "session": {
            "title": "session",
            "until": "la déconnexion, {session_idle_days} jours sans usage, {session_days} jours "
            "en tout",
        },
        "key": {
            "title": "clé d'un programme",
            "until": "30 jours après sa révocation, ou la suppression du compte",
        },
        "session key": {
            "title": "clé de session d'un programme",
            "until": "dix minutes, ou la suppression du compte",
        },
        "password link": {
            "title": "lien pour un nouveau mot de passe",
            "until": "son usage, ou une heure; d'un administrateur {initial_password_hours} heures",
        },
        "way of a log-in to the clinic's provider and back": {
            "title": "connexion en cours chez le fournisseur de la clinique",
            "until": "dix minutes, ou une heure après une déconnexion",
        },
        "notice": {
            "title": "avis qui attend le serveur de messagerie",
            "until": "son envoi, trois jours, ou la suppression du compte",
        },
        "delivery": {
            "title": "message à un autre système",
            "until": "sept jours après sa réception ou son abandon, ou la suppression du compte",
        },
        "webhook": {"title": "webhook", "until": "sa suppression par un administrateur"},
        "retention": {
            "title": "conservation limitée",
            "until": "la fin du délai ou de la pause; ce qui est parti, 400 jours",
        },
        "finding": {
            "title": "résultat, avec ses photos",
            "until": "sa suppression ou celle du compte",
        },
        "spot": {"title": "tache", "until": "sa suppression ou celle du compte"},
        "message": {"title": "message", "until": "la suppression du compte du patient"},
        "review": {
            "title": "relecture",
            "until": "la suppression du résultat ou du compte du patient",
        },
        "letter": {
            "title": "lettre",
            "until": "la suppression du résultat ou du compte du patient",
        },
        "emergency access": {
            "title": "accès d'urgence d'un administrateur à un résultat",
            "until": "le compte du patient est effacé",
        },
        "person's file": {
            "title": "fichier avec tout ce qui concerne une personne",
            "until": "son téléchargement, une journée, ou la suppression du compte",
        },
        "report": {"title": "rapport", "until": "la suppression du résultat ou du compte"},
        "choice of an LLM": {
            "title": "choix d'un LLM",
            "until": "la suppression du résultat ou du compte, 90 jours au plus",
        },
        "known address": {
            "title": "adresse connue (empreinte avec clé)",
            "until": "90 jours, ou la suppression du compte",
        },
        "wrong passwords and codes": {
            "title": "mots de passe et codes faux",
            "until": "une heure",
        },
        "audit": {
            "title": "journal d'audit",
            "until": "jamais effacé; il ne nomme les comptes que par identifiant",
        },
        "upload": {
            "title": "envoi d'un jeu de données",
            "until": "un jour, ou la suppression du compte",
        },
        "data set": {
            "title": "jeu de données",
            "until": "sa suppression ou celle du compte; s'il est refusé, un jour",
        },
        "picture of a data set": {
            "title": "image d'un jeu de données",
            "until": "la suppression du jeu",
        },
        "picture made from a review": {
            "title": "image issue d'une relecture",
            "until": "la suppression du jeu, du résultat ou du compte, ou le retrait de l'accord",
        },
        "key of those names": {
            "title": "clé des noms dans les jeux de données",
            "until": "jamais effacée: les noms doivent rester les mêmes",
        },
        "job": {
            "title": "tâche du laboratoire",
            "until": "90 jours après sa fin, ou la suppression du compte",
        },
        "log of a job": {"title": "journal d'une tâche", "until": "la suppression de la tâche"},
        "model version": {
            "title": "version du modèle",
            "until": "sa suppression; qui l'a mise en service, et pourquoi, reste",
        },
        "shadow result": {"title": "résultat d'un modèle à l'essai", "until": "90 jours"},
        "numbers of versions": {"title": "numéros et compteurs", "until": "jamais effacés"},
        "usage by day": {
            "title": "utilisation par jour",
            "until": "jamais effacée: des nombres seuls",
        },
        "week of a model version": {
            "title": "semaine d'une version du modèle",
            "until": "jamais effacée: des nombres seuls",
        },
        "outcomes by month": {
            "title": "issues par mois",
            "until": "jamais effacées; celles d'un médecin avec son compte",
        },
        "receipt of an erasure": {
            "title": "reçus d'effacements",
            "until": "jamais effacés : ils en sont la preuve, et ne nomment personne",
        },
        "person to be told": {
            "title": "personnes qui n'ont pas été prévenues à temps d'un résultat",
            "until": "elles ont été jointes, ou 30 jours",
        },
        "failed item": {
            "title": "enregistrements abîmés qui ont arrêté une tâche",
            "until": "leur réparation, l'effacement du compte, ou une semaine",
        },
        "clock": {
            "title": "quand l'horloge était juste",
            "until": "jamais effacé",
        },
        "erased ids": {
            "title": "identifiants de ce qui a été effacé",
            "until": "jamais effacés : une sauvegarde restaurée est effacée d'après eux",
        },
        "backups made": {
            "title": "quelles sauvegardes ont été faites",
            "until": "jamais effacé : cela ne nomme personne",
        },
        "erasures": {"title": "fichiers à effacer", "until": "leur effacement"},
    },
    "limits": {
        "retain_photos_days": "ses photos, {days} jours",
        "retain_findings_days": "{days} jours au plus",
        "retain_messages_days": "lus ou répondus, {days} jours au plus",
        "retain_accounts_days": "celui d'un patient sans usage, {days} jours",
    },
    "measures": {
        "access": "Chaque accès est fermé tant que ses rôles ne sont pas déclarés. Les résultats "
        "d'un patient s'ouvrent à lui, à son médecin et au confrère que celui-ci consulte; à un "
        "administrateur seulement en urgence, pendant une heure (BREAK_GLASS).",
        "passwords": "Les mots de passe sont conservés en empreintes Argon2, et les essais "
        "comptés.",
        "second_factor": "Un second facteur est exigé de: {roles}.",
        "no_second_factor": "Un second facteur n'est exigé de personne (REQUIRE_SECOND_FACTOR).",
        "https": "On atteint le serveur par HTTPS.",
        "no_https": "L'adresse du serveur n'a pas HTTPS.",
        "trail": "Chaque changement, et chaque regard sur la photo d'autrui, est une ligne signée "
        "du "
        "journal d'audit.",
        "photos": "Les photos sont réencodées avant d'être conservées, sans lieu, appareil ni "
        "date.",
        "photos_never": "Aucune photo n'est conservée (PHOTOS).",
        "photos_consent": "Une photo n'est conservée qu'avec l'accord du patient (PHOTOS).",
        "photos_always": "Chaque photo est conservée (PHOTOS).",
        "backup": "La dernière sauvegarde date du {moment}.",
        "no_backup": "Aucune sauvegarde n'a été faite par la commande de ce serveur.",
        "log_addresses": "Les lignes du journal contiennent des adresses IP (LOG_ADDRESSES).",
        "no_log_addresses": "Aucune ligne du journal ne contient d'adresse IP.",
        "open_clients": "Des clients sans connexion sont servis: {clients}.",
        "disk": "Le chiffrement de ce qui est conservé est l'affaire du disque ou de la base de "
        "données: ce serveur ne voit pas s'il est actif.",
    },
}
