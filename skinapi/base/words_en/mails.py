"""The mails in English."""

# None says anything of a person's health, nor of another person: who opens a mail nobody knows.
MAILS = {
    "subjects": {
        "approved": "Your account is open",
        "refused": "Your account was not approved",
        "reviewed": "A doctor has answered",
        "letter_withdrawn": "Your doctor has taken a letter back",
        "entered_in_error": "An entry was made in error",
        "filed": "A photo was filed for you",
        "judged_again": "A photo of yours was judged again",
        "accounts_joined": "Two accounts of yours are one now",
        "new_picture": "Your doctor asks for a new photo",
        "urgent": "Something in your queue should be seen soon",
        "person_to_reach": "Somebody could not be told in time",
        "unassigned": "Patients without a doctor wait",
        "staff_findings": "No doctor sees some findings",
        "came_into_care": "Findings came into your care",
        "left_care": "A patient of yours has another doctor",
        "opinion": "A colleague asks for your opinion",
        "opinion_came": "A colleague has answered you",
        "reminder": "A reminder",
        "message": "You have a message",
        "log_in_joined": "Your log-in",
        "password_link": "Choose a new password",
        "registered_again": "You have an account already",
        "password_changed": "Your password was changed",
        "new_browser": "A new browser opened your account",
        "wrong_codes": "Somebody entered wrong codes for your account",
        "key_made": "A key for programs was made with your account",
        "file_made": "The file with your data is ready",
        "webhook_disabled": "A webhook was switched off",
        "glass_broken": "An administrator has opened your record",
        "glass_broken_of_patient": "An administrator has opened the record of a patient of yours",
        "glass_broken_by_admin": "Another administrator has opened a patient's record",
        "glass_broken_often": "An administrator asks for too many patients' records",
        "account_unused": "Your account will be deleted unless you log in",
        "deletion_asked": "Your account will be deleted",
        "deletion_tomorrow": "Your account will be deleted tomorrow",
        "erased": "Your account was deleted: your receipt",
    },
    "texts": {
        "approved": "Your account was approved. You can log in now.",
        "refused": "Your account was not approved. When you log in, you read more.",
        "reviewed": "A doctor has answered you. Log in to read the answer.",
        "letter_withdrawn": "Your doctor has taken a letter back. Log in to read why.",
        "entered_in_error": "An entry was taken out of your list: it was made in error. Log in to "
        "read why.",
        "filed": "A photo of yours had been filed for somebody else by mistake. It is in your list "
        "now. Log in to see it.",
        "judged_again": "Your doctor has corrected something that was told with a photo of "
        "yours, so it was judged again. Log in to read the result.",
        "accounts_joined": "An administrator has joined two accounts of yours. One of them stays, "
        "with all of both; nobody can log in to the other any more. If these were not both yours, "
        "tell the clinic.",
        "new_picture": "Your doctor asks you for a new photo. Log in to take it.",
        "urgent": "Something new in your queue should be seen soon. Log in to see it.",
        "person_to_reach": "Somebody deleted an account or a finding before a doctor could speak "
        "to them. Log in to see how to reach them, and until when that is kept.",
        "unassigned": "Patients without a doctor: {patients}. Urgent findings of theirs: "
        "{urgent}. Log in to see to it that somebody looks at them.",
        "staff_findings": "Findings of accounts that are no patient's, so no doctor sees them: "
        "{findings}. Urgent among them: {urgent}. Log in: the overview names the accounts.",
        "came_into_care": "Findings that came into your care: {findings}. Urgent among them: "
        "{urgent}. Log in to see them.",
        "left_care": "A patient of yours is in the care of another doctor now: two accounts of one "
        "person were joined. Findings that waited for you: {findings}. Urgent among them: "
        "{urgent}. If that is wrong, tell an administrator.",
        "opinion": "A colleague asks for your opinion. Log in to give it.",
        "opinion_came": "The colleague whom you asked has given an opinion. Log in to read it "
        "and to decide.",
        "reminder": "Something waits for you to do. Log in to see what, and until when.",
        "message": "Somebody has written to you. Log in to read the message.",
        "log_in_joined": "Somebody asked for a new password for this address. Its account was "
        "joined to another one of yours. Log in as {log_in}. If you do not know the password of "
        "that one, ask for a new one with that address. If it was not you, do nothing.",
        "password_link": "Somebody asked for a new password for your account. With this link "
        "you choose it: once, and within an hour. If it was not you, do nothing: your password "
        "stays as it is.",
        "registered_again": "Somebody has tried to register with this e-mail address, which has an "
        "account already. If it was you, log in, or choose a new password here. If it was not you, "
        "nothing has changed.",
        "password_changed": "The password of your account was changed. If it was not you, "
        "choose a new one now.",
        "new_browser": "Somebody logged in to your account with a browser or program that was "
        "not used for it before. If it was not you, choose a new password now.",
        "wrong_codes": "Somebody entered the right password of your account, and then wrong "
        "codes of your second factor. If it was not you, choose a new password now.",
        "key_made": "A key for programs was made with your account. It stays valid when the "
        "password changes. If it was not you, revoke it at once and choose a new password.",
        "file_made": "The file with everything about you was made. Log in to fetch it within a "
        "day: once, then it is deleted. If you have not asked for it, delete it there and choose a "
        "new password now.",
        "webhook_disabled": "A webhook was switched off, because its receiver took nothing. Log "
        "in to see which one.",
        "glass_broken": "An administrator of this clinic has opened a part of your record, as "
        "is allowed in an emergency alone. Log in to read who it was, when, and why. If you do "
        "not understand the reason, ask the clinic.",
        "glass_broken_of_patient": "An administrator has opened a part of the record of a "
        "patient in your care, as is allowed in an emergency alone. Log in to read who it was, "
        "when, and why.",
        "glass_broken_by_admin": "Another administrator has opened a part of a patient's "
        "record, as is allowed in an emergency alone. Log in to read who it was, when, and why, "
        "and to end it.",
        "glass_broken_often": "An administrator has asked for more patients' records in a day "
        "than the emergency access allows, and was refused. Log in to see who it was.",
        "account_unused": "You have not used your account for a long time. In 30 days it will be "
        "deleted, with your photos and findings. Log in to keep it, or to take your data along.",
        "deletion_asked": "Somebody who knows your password asked for your account to be deleted. "
        "Log in to read on which day. Until then you can take that back there with one button. "
        "If it was not you, do so at once and choose a new password.",
        "deletion_tomorrow": "Your account will be deleted tomorrow, as was asked for. Log in "
        "today if you want to keep it, and take the deletion back there with one button.",
        "erased": "Your account was deleted. With this link anybody can check that, and when it "
        "was done. Keep it: the server has no other way to find your receipt. Your address is "
        "deleted with this mail.",
    },
    "refusals": {
        "unknown_person": "Reason: the clinic does not know who asks.",
        "not_offered": "Reason: the clinic does not offer this to you.",
        "wrong_role": "Reason: the role that you asked for does not fit.",
        "second_account": "Reason: you have an account already.",
        "other": "The reason is shown when you log in.",
    },
    "several": "Several things wait for you",
    "switch_off": "You can switch these mails off on the page of your account: {page}",
}
