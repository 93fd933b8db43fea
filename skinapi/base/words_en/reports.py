"""Reports in English: the labels of their pages, and the software's own sentences about a finding.

The sentences name diseases but say nothing else about them: every sentence about a disease is in
the conditions table.
"""

LABELS = {
    "title": "Skin lesion report",
    "page": "Page {} of {}",
    "patient": "Patient",
    "email": "E-mail",
    "submission": "Finding",
    "number": "No. {}",
    "made": "Photo sent",
    "judged": "Judged again",
    "judged_corrected": "corrected before: {}",
    "version": "version {}",
    "issued": "Issued",
    "not_filed": "Not kept by this server; it cannot be verified.",
    "not_printed": "□ stands for a letter of a script that this page cannot print. Read these "
    "names and notes in the console or in the report as a web page (report.html).",
    "basis": "Basis",
    "as_stated": "As stated by the caller; no picture was examined.",
    "age": "Age",
    "sex": "Sex",
    "site": "Body site",
    "skin_tone": "Skin tone",
    "skin_type": "Skin type",
    "modality": "Kind of picture",
    "kind_sent": "{kind}; sent as: {sent}",
    "kind_unclear": "not clear from the picture",
    "stated": "As stated by the caller",
    "for_doctor": "For the doctor",
    "answer": "The model's answer",
    "answer_unjudged": "The model's answer. Of a photo that could not be judged",
    "answer_uncertain": "The model's answer. Uncertain",
    "malignant_score": "Skin cancer or early form",
    "checklist_score": "7-point checklist",
    "not_asked": "not answered",
    "pictures": "Photo and heat map",
    "picture": "Picture {}",
    "parts": "What each picture by itself would have been answered with:",
    "photo": "Photo, {} × {} pixels as sent; without a scale.",
    "photo_text": "The photo of the lesion.",
    "overlay_text": "The photo with colours laid over the places that spoke most for the answer, "
    "from violet for little to yellow for most.",
    "overlay_scale": "From violet (counted little for the answer) to yellow (counted most).",
    "no_photo": "No photo is kept, so neither photo nor heat map is shown.",
    "photo_damaged": "The kept photo is damaged, so neither photo nor heat map is shown.",
    "probabilities": "Probabilities, ranked",
    "condition": "Condition",
    "probability": "Probability",
    "stated_share": "Confidence, as stated",
    "counted": "skin cancer or early form",
    "visit": "Your visit",
    "whom": "Whom to see",
    "there": "What happens there",
    "how_often": "How often it is cancer",
    "until": "Until then",
    "how_sure": "How sure this is",
    "signs": "Signs told",
    "doctor_reason": "The doctor's reason: {}",
    "ask_reason": "The doctor has not written why it is so soon: ask for the reason.",
    "explanation": "Explanation",
    "findings_of_model": "What the model found",
    "findings": "Findings",
    "limits": "Limits",
    "next_steps": "Next steps",
    "written_by_template": "The small numbers lead to the sources at the end.",
    "written_by_llm": "Written by {} from sources, each sentence checked against its source by {}; "
    "no doctor has read it. {} of {} sentences are its own.",
    "sources": "Sources",
    "score": "{} of {}",
    "points_alone": "{} of {} points.",
    "points": "{} of {} points; from {} on, a doctor should see it this week.",
    "ticked": "yes",
    "denied": "no",
    "decided": "Reviewed by {}, {}",
    "model_unjudged": "What the model said on {} is below, for the doctor.",
    "unjudged": "This photo could not be judged.",
    "says_nothing": "It does not tell what the spot is, because the photo could not be judged.",
    "asked": "Asked for by {}, {}",
    "model_said": "What the model said on {}. The decision above counts.",
    "review": "Doctor's review",
    "no_review": "No doctor has reviewed this finding yet.",
    "agreement": "Model's label",
    "review_label": "Doctor's label",
    "urgency_asked": "Urgency",
    "urgency_agreed": "{} (agrees with the model's)",
    "histology": "Histology",
    "not_taken": "no sample taken",
    "review_replaced": "Said on {}, replaced since",
    "note": "Note",
    "letters": {
        "patient": "Doctor's letter to the patient",
        "colleague": "Doctor's letter to a colleague",
    },
    "letter_by_model": "Drafted by {}. Read, changed where needed, and signed by {}.",
    "signed": "Written and signed by {}, {}",
    "superseded_letter": {
        "decision": "Written on {}, before the decision of {}, which counts",
        "result": "Written on {}, before the laboratory's result of {}, which counts",
        "finding": "Written on {}, before the model's answer of {}, which asks for more",
    },
    "superseded_at_once": {
        "decision": "Written just before the decision of {}, which counts",
        "result": "Written just before the laboratory's result of {}, which counts",
        "finding": "Written just before the model's answer of {}, which asks for more",
    },
    "decision_replaced": "Replaced since: {}",
    "model_said_elsewhere": "What the model said on {}. The advice above counts.",
    "withdrawn_letter": "Withdrawn by {}, {}: {}",
    "model": "Model",
    "operating_point": "Operating point",
    "operating_points": {
        "cautious": "cautious: sends the most cancers to a doctor",
        "standard": "standard",
        "selective": "selective: spares the most harmless lesions a visit",
    },
    "verification": "Verification",
    "scan": "Verify",
    "address": "Address",
    "how_to_verify": "The code on the first page leads to this address. It tells whether a report "
    "with this code was issued and still stands, and shows no data of the patient.",
    "valid": "A report with this code was issued by this server, and stands.",
    "outdated": "A report with this code was issued by this server.",
    "unknown": "No report stands under this code: it was never issued here, or was deleted.",
    "in_error": "This report stands for nothing: its finding was entered in error. That was noted "
    "on {}. Do not rely on it, and ask whoever gave it to you.",
    "newest": "It is the newest one on this finding: nothing was added since.",
    "superseded": "It is not the newest one on this finding.",
    "newer": {
        "newer_report_at": "A newer report was issued on {}.",
        "later_decision_at": "A doctor has decided since, on {}. This report does not say what.",
        "later_letter_at": "A doctor has written a letter since, on {}. It is not in this report.",
        "letter_withdrawn_at": "A doctor has withdrawn a letter since, on {}.",
        "model_withdrawn_at": "The model version of this report was withdrawn on {}.",
        "judged_again_at": "The photo was judged again since, on {}. This report does not say so.",
        "spot_changed_at": "Since {}, something else counts about this spot.",
    },
    "model_withdrawn": "This finding was made by {}, a version that was withdrawn on {}.",
    "ask_for_newest": "Do not rely on it: ask whoever gave it to you for the newest one.",
    "compare": "Compare these with the paper or file in your hand. Where one differs, it is not "
    "this report, whatever it looks like.",
    "pages_of_pdf": "Pages",
    "code": "Code begins with",
    "moment": "{day}, {time} UTC",
    "modalities": {
        "dermoscopic": "dermoscopic",
        "clinical": "ordinary photograph",
        "unknown": "not stated",
    },
    "sexes": {
        "female": "female",
        "male": "male",
        "other": "other",
    },
    "skin_tones": {
        "light": "light",
        "medium": "medium",
        "dark": "dark",
    },
    "ages": {
        "0-29": "0–29 years",
        "30-44": "30–44 years",
        "45-59": "45–59 years",
        "60-74": "60–74 years",
        "75+": "75 years or older",
    },
    "sites": {
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
    "lateralities": {"left": "left {}", "middle": "{}, midline", "right": "right {}"},
    "body_sides": {"front": "{} (front)", "rear": "{} (back)"},
    "agreements": {
        "agree": "the doctor agrees with the model",
        "disagree": "the doctor does not agree with the model",
        "unsure": "the doctor is unsure",
    },
}

# The facts fill in the places in braces.
SENTENCES = {
    "uncertain": "This finding is uncertain: {doubts}.",
    "doubts": {
        "not_surely_skin": "the picture does not look like skin to the program",
        "pictures_disagree": "the pictures do not agree",
        "too_close": "the possibilities are close to each other",
        "unlike_training": "the picture is unlike those the model learned from",
    },
    "in_case": "In case it is {name}:",
    "as_stated": "As stated by the caller: {name}; no picture was examined.",
    "both": "{} and {}",
    "near_limit": "The check is a little less sure than for most such spots; have it looked at "
    "when you next see a doctor.",
    "why_urgent": {
        "malignant": "skin cancer or early form above the limit (all together {share})",
        "near_threshold": "close to the limit from which the advice is more urgent",
        "checklist": "the 7-point checklist",
        "told_signs": "what was told of the spot",
        "not_dermoscopic": "not known to be a dermoscope picture",
        "not_examined": "no picture was examined",
        "little_tested": "little tested on this kind of picture",
        "untested_skin": "tested on too few lesions on such skin",
        "picture": "picture {picture} by itself ({why})",
        "from_picture": "the picture alone, which asks for one step more",
        "uncertain": "the uncertainty",
    },
    "why_open": "{name} that cannot be ruled out",
    "any_cancer": "a skin cancer or an early form of one",
    "how_probable": "{name}: {share}",
    "estimated": "The model's estimate: {names}.",
    "chance_alone": "Picture {picture} alone: {name}, {share}; all pictures together: {joined}.",
    "chance_of_cancer": "Any skin cancer or early form of one: {share}.",
    "malignant_score": "Skin cancer or early form, all together ({names}): {share}.",
    "stated_confidence": "The caller gives {name} a confidence of {share}; nothing here confirms "
    "it.",
    "band": "Urgency: {label}; the reason: {reasons}.",
    "checklist_score": "The 7-point checklist was answered; its score: {score}.",
}

# How a day is written.
DAYS = {
    "months": "January February March April May June July August September "
    "October November December",
    "day": "{day} {month} {year}",
    "by": "By {day}.",
    "first": "1",
    "weekday": "{day} ({weekday})",
    "weekdays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}

# Who will look at a finding, for its owner, and when: as REVIEW_WITHIN_DAYS says.
LOOKS = {
    "doctor": "{name} will look at this. {when}",
    "doctors": "The clinic's doctors will look at this. {when}",
    "unknown": "There is no answer yet.",
    "one_day": "The answer usually comes within a day.",
    "days": "The answer usually comes within {days} days.",
    "late": "It is late: call {clinic}, and name finding {number}.",
    "clinic": "the clinic",
    "unseen_doctor": "{name} reads this finding, but cannot see the spot: the photo is not kept. "
    "{then}",
    "unseen_doctors": "The clinic's doctors read this finding, but cannot see the spot: the photo "
    "is not kept. {then}",
    "again": "Send the photo again and let it be kept, or show the spot to a doctor.",
    "again_by": "Send the photo again and let it be kept, or show the spot to a doctor. Be seen by "
    "{day}.",
    "show": "Show the spot to a doctor.",
    "show_by": "Show the spot to a doctor by {day}.",
    "nobody": "Nobody here will look at this. For advice, ask a doctor of your own.",
    "nobody_by": "Nobody here will look at this: go to a doctor of your own by {day}.",
    "nobody_go": "Nobody here will look at this: go to a doctor of your own.",
}

# For the owner of a finding that somebody else has filed.
FILED = {
    "doctor": "A doctor filed this photo of you here on {day}.",
    "clinic": "The clinic filed this photo of you here on {day}.",
}

# For a doctor who has signed: how the patient hears of it, and from when. `told_by` is a field
# of the API.
TELLING = {
    "held_unsaid": "The patient reads nothing of it until {when}: it names a cancer, and nobody "
    "has said who tells the patient (told_by). Tell the patient before then.",
    "held_doctor": "The patient reads nothing of it until {when}: you tell the patient before "
    "then.",
    "held_letter": "The patient reads this letter only after {when}: what was decided is held back "
    "until then.",
    "mail": "It is shown to the patient now, and a mail says that a doctor has answered.",
    "log_in": "No mail goes to this patient. They see it at their next log-in, and do not know "
    "before.",
    "other_system": "Nobody logs in here for this patient, and no mail goes to them: the system "
    "that sent the patient shows it.",
    "colleague": "It is for the doctor who has asked. The patient reads nothing of it.",
    "record": "The patient's account is deleted. Nobody is told.",
    "when": "{day}, {time} UTC",
}

# Of a finding that was entered in error. `taken_back` is its reason where a program says so.
ERRORS = {
    "in_error": "This was entered in error and stands for nothing.",
    "taken_back": "The clinic's system that had sent this photo has taken it back.",
    "restored": "It had been entered in error before. The server was restored from a backup since.",
}

# The sentences of a letter's draft.
# Of a letter's draft. `named` stands only in letters that were signed under an earlier version.
LETTERS = {
    "to_patient": "Dear {patient},",
    "to_colleague": "Dear colleague,\n\nThis is about your patient {patient}.",
    "opening": {
        "judged": "Thank you for your photo. I have looked at it myself, and I write to tell you "
        "what I think.",
        "unjudged": "Thank you for your photo. I have looked at it myself, but it does not show "
        "enough for me to judge the spot.",
    },
    "about": {
        "patient": "This letter is about your spot{spot}, photographed on {date}.",
        "colleague": "The spot{spot} was photographed on {date} (finding {number}).",
    },
    "spot": {"named": " “{name}”", "placed": " ({place})"},
    "person": "The patient: {facts}.",
    "signs": "Signs that the patient told: {signs}.",
    "no_signs": "The patient was asked for the signs of the 7-point checklist, and told none.",
    "course": "Earlier photos of it: {course}.",
    "suspected": "What I suspect is not proven yet. This is what it would be: {what}",
    "question": {
        "suspected": "Would you please examine this lesion, and decide whether it is to be sampled "
        "or removed? I ask because {name} is suspected, and a photo cannot settle that.",
        "proven": "Would you please see the patient, and decide on the treatment? I ask because "
        "the laboratory has found {name}.",
        "awaited": "A sample was taken. I write so that you know of it; would you please wait for "
        "the result with me?",
        "unjudged": "The photo does not show enough to judge it, so I have asked for another one. "
        "If you see the patient before, would you please look at this lesion?",
        "open": "Would you please examine this lesion? I ask because a photo alone cannot settle "
        "what it is.",
        "benign": "This is for your records. Would you please look at the lesion again if it "
        "changes?",
    },
    "ask": "Please ask me if anything is not clear to you.",
    "closing": "Kind regards\n{doctor}",
}

# What our own codes in a structured report mean; DICOM allows 64 characters.
CODES = {
    "probability": "Probability: {condition}",
    "malignant_score": "Malignant score: the sum of all that count as malignant",
    "age_band": "Age group in years, as told",
    "sign": "Sign of the checklist, as told",
    "checklist_score": "Score of the weighted 7-point checklist",
    "risk_band": "Risk band",
    "most_likely": "Most likely by the model",
    "not_ruled_out": "Not ruled out by the model",
    "of_condition": "Of which condition",
    "includes": "One of several that it includes",
    "doubt": "Why the finding is uncertain",
    "not_surely_skin": "It may be something else than skin",
    "pictures_disagree": "The pictures disagree",
    "too_close": "Several conditions are about as likely",
    "unlike_training": "Unlike the pictures that the model learned from",
    "suspected": "Suspected, not concluded",
    "urgency": "Urgency",
    "certainty": "Certainty",
    "sure": "Sure",
    "unsure": "Unsure",
    "histology": "Histology",
    "not_taken": "No sample was taken",
    "awaited": "The result is awaited",
    "confirmed": "Confirmed by the laboratory",
    "wanted": "Wanted",
    "new_picture": "Another photograph",
}
