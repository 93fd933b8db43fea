import re

import pytest

from tests.repository.documents import ROOT

# For each retired feature, regular expressions of the names that only it used.
RETIRED: dict[str, tuple[str, ...]] = {
    "stores of 1.x": (*("JudgementJoiner", r"\bentry_of_secret\b", "compatible_since"),),
    "what a review derived from agreement": (
        r"agrees_with|new_picture_wanted|downgrade_confirmed|histology_result",
        r"deciding_review|ReviewsInForce|result_stands|opinion_stands|no_picture_to_agree",
        r"lowers_nothing|urgency_waits|only_wants_a_picture|weighs_as_sure|lowered_(from|to)",
        r"doubtsOf|likelyIsAgreement|downgradeConfirmed|urgencyLowered|askChecklist",
    ),
    "lists of damaged records": (
        r"DamagedOwner|DamagedPatient|damaged_records\b(?<!skinapi_damaged_records)|damagedOf",
        r"recordDamaged|itemFailed|findingsHidden|recordsHidden|recordOfPatient|FailedItemView",
    ),
    "restoring one record": (r"restore[-_]record", r"find_in_backup", r"forget_damaged"),
    "withholding a decision": (
        r"hold_until|hold_ends_at|held_with_graver|held_beside|hold_key|shown_at|hold_late",
        r"\btold_by\b|\bToldBy\b|hold_refused|no_mail_to_patient|letter_during_hold",
        r"record_in_work|ended-holds|review[._]show|submissions/[^ /]+/hold\b|SpotHolds|EndedHolds",
        r"held(Until|Beside|Together|Shown|WithGraver)|holdIt|letterIsHeld|letterSignHeld",
        r"LONGEST_HOLD|USUAL_HOLD|\bend_hold\b|spot_holds|shorten_holds|mayHold|holdUntil",
    ),
    "findings without a spot": (
        r"list_unsorted|SpotWithoutPlace|spot_without_place|lesion=none|page_owned\(.*unsorted",
        r"find_kept\b|list_closed|MessagesUnread|messages_unread|TooManyLesions",
    ),
    "letters that are struck": (
        r"written_of|letter_(decision|outdated)|LaterDecision|letter(Superseded|Before|Because|Changed)",
        r"SupersededView|later_letter_at|newer_report_at|letter_withdrawn_at|(decision|review)_replaced",
        r"LetterChanged|letter_changed|whyStruck|superseded_letter",
    ),
    "deriving what counts": (
        r"has_seen\(|forget_seen|note_later_decision|BeginsWith|LetterOutdated|begins_elsewhere",
        r"LesionForAudience|LesionHistory|FindingStatus|unseen_changes|find_replacing",
        r"\b(bandOf|bandOfSpot|waitsOf|waitsOfSpot|changeOf|decisionOf|isUnjudged|inOrder)\b",
        r"UnjudgedBadge|notJudgedYet|\breplacedBy\b|isReopened|countsElsewhere|asItWaits",
        r"isOwnAction|bandBefore|sayUnsure|unsureAbout|decisionStays|\braise_band\b",
        r"spot_state|\bsuperseded|\breopen(ed|s|ing)\b|counts_again|list_replacing",
        r"(sorted|decided|told)_elsewhere|(Result|Opinion)Stands|reviewStands",
    ),
    "joining accounts": (
        r"JoiningService|JoiningPreview|refuse_joined|find_staying|AccountsJoined|LOG_IN_JOINED",
        r"accounts_joined|log_in_joined|account_joined|patient_joined|goes_with_other|cannot_join",
        r"joinAccount|accountsJoined|/join\b|joined_(to|because)\b|OF_JOINED|isJoined",
    ),
    "joining spots": (r"join_lesion|joinSpot|JoinedWithItself|joined_with_itself|find_joined",),
    "second opinions as reviews": (
        r"OpinionLost|opinion_lost|OpinionSigned|OpinionWanted|fields_without_loss",
        r"require_opinion|list_opinions|shown_reviews|\basked_by: str|opinionUse",
        r"opinionDecline|fillReview|take_sample_out_of_opinion|request: `second_opinion`",
        "find_unsigned_result",
        "list_unanswered",
        "signs_over",
        "pictureNotGoodOpinion",
        *("second-opinion/answer", "close_opinion\\(", "opinionClose"),
    ),
    "audiences": (
        r"\bAudience\b|\breader_of\(|reader_in_care|reader\.is_patient",
        r"knows_all",
    ),
    "undo of an admin's acts": (
        *("account_acts", "/acts/", "UndoService", "undo_act", "UndoneView", "ActMessage"),
        *("former_doctor_gone", "has_patients_now", "putBack", "withdraw_arrival"),
        *("/unapprove", "unapprove_"),
        r"AccountPutBack|mark_undone|notPutBack|undone_at",
    ),
    "kept records and former owners": (
        r"[Ff]ormer_?[Oo]wner|former_identity|record_(made|kept_until)_at|is_record\b",
        r"list_records_of|find_kept_record|PatientDeleted|patient_deleted|onlyRecord|recordOfDeleted\b",
        r"deletion_(asked|due)_at|TooLate\b|no_deletion_waits|takeDeletionBack|drop_waiting",
        r"ErasureBegun|AccountGone|BeingDeleted|AccountContents|erasures/waiting",
        r"KeptRecord|\bas_record\b|all_but_record|keptRecords|spared_?[Rr]ecords|set_record_end",
    ),
    "people to reach": (
        r"people.to.reach|PeopleToReach|PersonToReach|ReachService|person_to_reach|note_again",
        r"patient_number_needed|PatientNumberNeeded|toReach(Text|Nobody|Address|Kept)",
        r"person_reached|peopleToReach|\bTO_REACH\b|toReach(_told|Deletes)|[Uu]ndelivered",
    ),
    "people to reach for ten reasons": (
        r"find_what_to_tell|FindingToTell|ReachReason|list_graver_of_spots|ReachList",
        r"ResultToCome|result_to_come|sampled_by|\bto_be_told\b|toReachSuspected",
        r"\b(is_)?shut_out\b|shutOut|PatientShutOut|SHUT_OUT\b|TellingView|SignedReview",
        r"tell_of_undelivered|on_mail_undelivered|take_day_late|keep_or_end|tell_(lost|unread)\b",
        r"[Pp]atient_?[Nn]otice\b|TellingWords|findings_to_tell",
    ),
    "emergency access": (
        *("/break-glass", "BreakGlass", "break_glass_", "glass_broken"),
        *("get_to_read", "emergency_accesses", "AdminStopped", "#/emergency", "glassUntold"),
        r"GLASS_BROKEN|broken_glass|glass(Ask|Chosen|Ended|Finding|Gone|Told)|title_emergency",
    ),
    "taking a case": (
        *("taken_by", "taken_at", "take_case", "give_back_case", "TAKEN_FOR", "case_taken"),
        *("takenBy", "caseTake", "caseGiveBack", "end_work\\("),
        r"CaseTaken",
    ),
    "pauses and previews of retention": (
        r"retention_pause|pause_retention|resume_retention|preview_retention",
        r"retention/(pause|preview|holds)|retention\.(pause|resume|hold|release)",
        r"\bheld_(by|because)\b|retention(Pause|Hold|First|Month|Runs)|fixedKind|not_patient",
        "retention_runs",
        r"PauseView|find_pause|pauseReason|RetentionPreviewQuery|preview_by_admin",
    ),
    "lists of findings of withdrawn models": (
        r"withdrawn-models|WithdrawnModel|withdrawn\.js|page_by_model",
        r"list_withdrawn_(models|findings)|withdrawnModels|title_withdrawn",
    ),
    "a clock that goes wrong under a running server": (
        *("ClockWatch", "ClockAlarm", "clock_alarm", r"\bclock_jumped\b", r"\bfor_holds\b"),
        *("find_hold_time", r"\bis_ahead\(", "CLOCK_TOLERANCE", "mend_times"),
        r"clock_set_right|clockWrong|clock_watch|skinapi_clock|itemsOfClock",
    ),
    "lost and replaced keys of patient numbers": (
        *("number_of_two", "NumberOfTwo", "wrap_again", "count_unnumbered"),
        *("require_known", "_may_be_own", "no longer found by their numbers"),
        r"NO_NUMBER_KEY|LOST_NUMBER_KEY|give[-_]up[-_]numbers|FORMER_KEY\b",
        r"NumberKeys\b|storage[./]number_keys|\bhashes_of\(|keys_of_order|list_hashes",
    ),
    "chains of corrections": (
        "ErasedFindingDenied",
        r"\bSentAgain\b",
        "SentByArchive",
        "deny_erased",
        "toldWhy_",
        "is_in_force",
        "list_filed_by_archives",
    ),
    "lists by keys of findings": (
        r"awaited_key|due_key|OrphanedWork|find_left\b|find_reviewed|FindUnanswered|AwaitedView",
        r"count_left_by|count_late_results|page_awaited|list_visits|queue\?awaited",
        r"page_opinions|set_queue_key|find_waiting_patients|move_patient_(up|down)|update_owner_key",
        r"LeftWithDoctorView|(overdue_findings|late_results|left_messages)\b|WaitingFindings\b",
        r"opinion_key|make_(waiting|reviewed|opinion)_key|key_range|page_by_urgency|FindingLists",
    ),
    "events with one name now": (
        r"LetterTakenBack|FindingReviewed\b|RoleChanged|FindingDiscarded",
        r"ChangeMeasured|FactsAmended|FindingJudgedAgain",
    ),
    "patients who are not in a list because of their role": (
        r"staff_findings|StaffFindings|staffFindings|(count|sum)_of_staff|roleTakes|DoctorStopped",
        r"patients_rest|list_resting_doctors|move_misplaced|LEFT_CARE|left_care|tell_of_loss",
    ),
    "former words of a decision": (r"suspected_unsure|picture_came|photo_came|new_picture_of",),
    "one-time fits of the shipped model": (r"(read|write|measure)_left_out", r"only_facts"),
}
# The migration reads what 2.0.0 stored; the changelog and the upgrade page name what is gone.
MAY_NAME_THEM = ("skinapi/app/migration/", "CHANGELOG.md", "docs/operate/upgrade.md")
SUFFIXES = {".py", ".js", ".css", ".yaml", ".md", ".html", ".toml", ".example"}


def _list_files() -> list[str]:
    roots = [ROOT / "skinapi", ROOT / "docs", ROOT / "deploy"]
    found = [path for root in roots for path in root.rglob("*")] + [*ROOT.iterdir()]
    names = [path.relative_to(ROOT).as_posix() for path in found if path.suffix in SUFFIXES]
    return [name for name in names if not name.startswith(MAY_NAME_THEM)]


@pytest.mark.parametrize("feature", RETIRED)
def test_nothing_names_a_retired_feature(feature: str) -> None:
    if RETIRED[feature]:
        names = re.compile("|".join(RETIRED[feature]))
        naming = [
            f"{name}: {found.group()}"
            for name in _list_files()
            if (found := names.search((ROOT / name).read_text()))
        ]
        assert naming == []
