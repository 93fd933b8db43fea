"""The mails in French."""

# None says anything of a person's health, nor of another person: who opens a mail nobody knows.
MAILS = {
    "subjects": {
        "approved": "Votre compte est ouvert",
        "refused": "Votre compte n'a pas été approuvé",
        "reviewed": "Un médecin a répondu",
        "letter_withdrawn": "Votre médecin a retiré une lettre",
        "entered_in_error": "Une entrée a été faite par erreur",
        "filed": "Une photo a été enregistrée pour vous",
        "judged_again": "Une de vos photos a été jugée à nouveau",
        "accounts_joined": "Deux de vos comptes n'en font plus qu'un",
        "new_picture": "Votre médecin demande une nouvelle photo",
        "urgent": "Un élément de votre file est à voir rapidement",
        "person_to_reach": "Une personne n'a pas pu être prévenue à temps",
        "unassigned": "Des patients sans médecin attendent",
        "staff_findings": "Aucun médecin ne voit certains résultats",
        "came_into_care": "Des résultats vous sont confiés",
        "left_care": "Un de vos patients a changé de médecin",
        "opinion": "Un confrère demande votre avis",
        "opinion_came": "Un confrère vous a répondu",
        "reminder": "Un rappel",
        "message": "Vous avez un message",
        "log_in_joined": "Votre connexion",
        "password_link": "Choisissez un nouveau mot de passe",
        "registered_again": "Vous avez déjà un compte",
        "password_changed": "Votre mot de passe a été changé",
        "new_browser": "Un nouveau navigateur a ouvert votre compte",
        "wrong_codes": "Quelqu'un a saisi des codes faux pour votre compte",
        "key_made": "Une clé pour programmes a été créée avec votre compte",
        "file_made": "Le fichier avec vos données est prêt",
        "webhook_disabled": "Un webhook a été désactivé",
        "glass_broken": "Un administrateur a ouvert votre dossier",
        "glass_broken_of_patient": "Un administrateur a ouvert le dossier d'un de vos patients",
        "glass_broken_by_admin": "Un autre administrateur a ouvert le dossier d'un patient",
        "glass_broken_often": "Un administrateur demande trop de dossiers de patients",
        "account_unused": "Votre compte sera supprimé si vous ne vous connectez pas",
        "deletion_asked": "Votre compte va être supprimé",
        "deletion_tomorrow": "Votre compte sera supprimé demain",
        "erased": "Votre compte a été supprimé : votre reçu",
    },
    "texts": {
        "approved": "Votre compte a été approuvé. Vous pouvez maintenant vous connecter.",
        "refused": "Votre compte n'a pas été approuvé. Connectez-vous pour en savoir plus.",
        "reviewed": "Un médecin vous a répondu. Connectez-vous pour lire la réponse.",
        "letter_withdrawn": "Votre médecin a retiré une lettre. Connectez-vous pour lire pourquoi.",
        "entered_in_error": "Une entrée a été retirée de votre liste : elle avait été faite par "
        "erreur. Connectez-vous pour lire pourquoi.",
        "filed": "Une photo de vous avait été enregistrée par erreur pour une autre personne. Elle "
        "est maintenant dans votre liste. Connectez-vous pour la voir.",
        "judged_again": "Votre médecin a corrigé une indication donnée avec une de vos photos, qui "
        "a donc été jugée à nouveau. Connectez-vous pour lire le résultat.",
        "accounts_joined": "Un administrateur a réuni deux de vos comptes. L'un d'eux reste et "
        "contient tout ce qui était dans les deux ; personne ne peut plus se connecter à l'autre. "
        "Si ces comptes n'étaient pas tous les deux à vous, dites-le à la clinique.",
        "new_picture": "Votre médecin vous demande une nouvelle photo. Connectez-vous pour la "
        "prendre.",
        "urgent": "Un nouvel élément de votre file est à voir rapidement. Connectez-vous pour "
        "le voir.",
        "person_to_reach": "Une personne a supprimé son compte ou un résultat avant qu'un médecin "
        "ait pu lui parler. Connectez-vous pour voir comment la joindre, et jusqu'à quand c'est "
        "gardé.",
        "unassigned": "Patients sans médecin : {patients}. Parmi leurs résultats, urgents : "
        "{urgent}. Connectez-vous pour veiller à ce que quelqu'un les regarde.",
        "staff_findings": "Résultats de comptes qui ne sont pas ceux de patients, et qu'aucun "
        "médecin ne voit : {findings}. Urgents parmi eux : {urgent}. Connectez-vous : l'aperçu "
        "nomme les comptes.",
        "came_into_care": "Résultats qui vous sont confiés : {findings}. Urgents parmi eux : "
        "{urgent}. Connectez-vous pour les voir.",
        "left_care": "Un de vos patients est désormais suivi par un autre médecin : deux comptes "
        "d'une même personne ont été réunis. Résultats qui vous attendaient : {findings}. Urgents "
        "parmi eux : {urgent}. Si c'est une erreur, dites-le à un administrateur.",
        "opinion": "Un confrère demande votre avis. Connectez-vous pour le donner.",
        "opinion_came": "Le confrère que vous avez interrogé a donné son avis. Connectez-vous "
        "pour le lire et pour décider.",
        "reminder": "Quelque chose vous attend. Connectez-vous pour voir quoi, et jusqu'à quand.",
        "message": "Quelqu'un vous a écrit. Connectez-vous pour lire le message.",
        "log_in_joined": "Quelqu'un a demandé un nouveau mot de passe pour cette adresse. Son "
        "compte a été réuni à un autre qui est à vous. Connectez-vous avec l'adresse {log_in}. Si "
        "vous n'en connaissez pas le mot de passe, demandez-en un nouveau avec cette adresse. Si "
        "ce n'était pas vous, ne faites rien.",
        "password_link": "Quelqu'un a demandé un nouveau mot de passe pour votre compte. Ce "
        "lien permet de le choisir: une seule fois, pendant une heure. Si ce n'était pas vous, ne "
        "faites rien: votre mot de passe reste le même.",
        "registered_again": "Quelqu'un a voulu créer un compte avec cette adresse e-mail, qui en a "
        "déjà un. Si c'était vous, connectez-vous, ou choisissez ici un nouveau mot de passe. Si "
        "ce n'était pas vous, rien n'a changé.",
        "password_changed": "Le mot de passe de votre compte a été changé. Si ce n'était pas "
        "vous, choisissez-en un nouveau maintenant.",
        "new_browser": "Quelqu'un s'est connecté à votre compte avec un navigateur ou un "
        "programme qui n'avait pas encore servi pour ce compte. Si ce n'était pas vous, choisissez "
        "un nouveau mot de passe maintenant.",
        "wrong_codes": "Quelqu'un a saisi le bon mot de passe de votre compte, puis des codes "
        "faux du second facteur. Si ce n'était pas vous, choisissez un nouveau mot de passe "
        "maintenant.",
        "key_made": "Une clé pour programmes a été créée avec votre compte. Elle reste valable "
        "quand le mot de passe change. Si ce n'était pas vous, révoquez-la tout de suite et "
        "choisissez un nouveau mot de passe.",
        "file_made": "Le fichier avec tout ce qui vous concerne a été fait. Connectez-vous pour le "
        "télécharger dans la journée : une fois, puis il est supprimé. Si vous ne l'avez pas "
        "demandé, supprimez-le là et choisissez tout de suite un nouveau mot de passe.",
        "webhook_disabled": "Un webhook a été désactivé, car son destinataire n'acceptait plus "
        "rien. Connectez-vous pour voir lequel.",
        "glass_broken": "Un administrateur de cette clinique a ouvert une partie de votre "
        "dossier, ce qui n'est permis qu'en urgence. Connectez-vous pour lire qui c'était, quand "
        "et pourquoi. Si vous ne comprenez pas le motif, demandez à la clinique.",
        "glass_broken_of_patient": "Un administrateur a ouvert une partie du dossier d'un "
        "patient que vous suivez, ce qui n'est permis qu'en urgence. Connectez-vous pour lire qui "
        "c'était, quand et pourquoi.",
        "glass_broken_by_admin": "Un autre administrateur a ouvert une partie du dossier d'un "
        "patient, ce qui n'est permis qu'en urgence. Connectez-vous pour lire qui c'était, quand "
        "et pourquoi, et pour y mettre fin.",
        "glass_broken_often": "Un administrateur a demandé en un jour plus de dossiers de "
        "patients que l'accès d'urgence ne le permet, et cela lui a été refusé. Connectez-vous "
        "pour voir qui c'était.",
        "account_unused": "Vous n'avez pas utilisé votre compte depuis longtemps. Dans 30 jours, "
        "il sera supprimé, avec vos photos et vos résultats. Connectez-vous pour le garder, ou "
        "pour emporter vos données.",
        "deletion_asked": "Quelqu'un qui connaît votre mot de passe a demandé la suppression de "
        "votre compte. Connectez-vous pour lire à quelle date. D'ici là, vous pouvez y renoncer "
        "avec un seul bouton. Si ce n'était pas vous, faites-le tout de suite et choisissez un "
        "nouveau mot de passe.",
        "deletion_tomorrow": "Votre compte sera supprimé demain, comme cela a été demandé. "
        "Connectez-vous aujourd'hui si vous voulez le garder : un seul bouton suffit pour y "
        "renoncer.",
        "erased": "Votre compte a été supprimé. Avec ce lien, chacun peut vérifier que cela a été "
        "fait, et quand. Gardez-le : le serveur n'a pas d'autre moyen de retrouver votre "
        "reçu. Votre adresse est supprimée avec ce courriel.",
    },
    "refusals": {
        "unknown_person": "Motif: la clinique ne sait pas qui fait la demande.",
        "not_offered": "Motif: la clinique ne vous propose pas ce service.",
        "wrong_role": "Motif: le rôle demandé ne convient pas.",
        "second_account": "Motif: vous avez déjà un compte.",
        "other": "Le motif est affiché à la connexion.",
    },
    "several": "Plusieurs choses vous attendent",
    "switch_off": "Vous pouvez désactiver ces e-mails sur la page de votre compte: {page}",
}
