// One finding of a patient, for the doctor in charge: what the model found, and the doctor's review.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, personNumber, put } from "/console/api.js";
import { Answer, AskReason, Failure, Icon, Message, sayError, toast, useAct, useAnswer, useKeys } from "/console/components.js";
import { getLanguage, hasWords, isolated, said, say, sayDate, sayNumber, sayShare, sayValue } from "/console/language.js";
import { KeptPhoto, Pages, usePages } from "/console/lists.js";
import { goTo, scrollToTop } from "/console/navigation.js";
import { PlaceMap, sayPlace } from "/console/views/body_map.js";
import { Asked, CaseWork, Disputed, GiveOpinion, isAsked } from "/console/views/case_work.js";
import { WrongPatient } from "/console/views/wrong_patient.js";
import { leaveCase } from "/console/views/compare_photos.js";
import { FormerConversation, PatientConversation, waitsForAnswer } from "/console/views/conversation.js";
import { UrgencySign } from "/console/views/decision.js";
import { Alone, Downloads, getReport, getFinding, isMalignant, nameOf, Rest, Reviewed, Verdicts } from "/console/views/finding.js";
import { FindingPhoto, photoOf, useForgotten } from "/console/views/finding_photo.js";
import { Letters } from "/console/views/letters.js";
import { focusOn, hasDraft, ReviewForm } from "/console/views/review_form.js";
import { placeOfPatientPhoto } from "/console/views/new_finding.js";
import { nameOfSpot, PlacesDiffer } from "/console/views/spot_points.js";
import { CorrectFacts, listTold } from "/console/views/told_facts.js";
import { EarlierAnswers } from "/console/views/versions.js";
import { ModelMark } from "/console/views/model_mark.js";

/** What a case is drawn from. @typedef {Awaited<ReturnType<typeof loadCase>>} Found */

const readFinding = (/** @type {string} */ number) => Promise.all([getFinding(number), getReport(number, "colleague")]);

let prepared = { about: "", at: 0, answer: /** @type {ReturnType<typeof readFinding> | null} */ (null) };
const FRESH_MS = 60_000;
/** Whose it is, and in which words. @param {string} number */
const aboutCase = (number) => `${number} ${getLanguage()} ${personNumber()}`;

/** Read what a case says before it is opened. Its photo is not: each look at one is audited. @param {string} number */
export function prepareCase(number) {
  const about = aboutCase(number);
  if (prepared.about === about && Date.now() - prepared.at < FRESH_MS) return;
  const answer = readFinding(number);
  answer.catch(() => {
    prepared.about = ""; // it is asked for again, and told, when the case is opened
  });
  prepared = { about, at: Date.now(), answer };
}

/** What was prepared, once; else what is asked for now. @param {string} number */
function takePrepared(number) {
  const { about, at, answer } = prepared;
  prepared = { about: "", at: 0, answer: null };
  return about === aboutCase(number) && answer && Date.now() - at < FRESH_MS ? answer : readFinding(number);
}

const getReviews = (/** @type {string} */ number) => /** @type {Promise<Api["ReviewView"][]>} */ (getAll(apiPath`/submissions/${number}/reviews`));

/** Nothing of a patient without a doctor. @param {string} number @returns {Promise<Partial<Api["CaseView"]>>} */
const getWork = (number) => get(apiPath`/submissions/${number}/case`).catch((error) => (error.status === 404 || error.status === 403 ? {} : Promise.reject(error)));

async function loadCase(/** @type {string} */ number) {
  const answered = takePrepared(number).then(async ([finding, report]) => {
    const working = finding.unassigned ? Promise.resolve(/** @type {Partial<Api["CaseView"]>} */ ({})) : getWork(number);
    const waits = working.then((work) => !finding.unassigned && !isAsked(work) && waitsForAnswer(finding.lesion, finding.patient_id));
    const [photo, work, written] = await Promise.all([photoOf(finding), working, waits]);
    return { finding, report, photo, work, written };
  });
  const [found, reviews, conditions] = await Promise.all([answered, getReviews(number), getConditions()]);
  return { ...found, reviews, conditions: /** @type {Api["ConditionsView"]} */ (conditions) };
}

/** What the patient told with the photo; `onCorrected`: of who may correct it. @param {{finding: Api["FindingInCareView"], checklist: Api["Checklist"], onCorrected: (() => void) | null}} props */
const Context = ({ finding, checklist, onCorrected }) => {
  const { fitzpatrick, checklist: ticked } = finding.context;
  const rows = [...listTold(finding.context), ...(fitzpatrick ? [[say("skinType"), fitzpatrick]] : [])];
  const items = checklist.items.filter((item) => ticked?.includes(item.key));
  return html`
    <section class="card told">
      <h2>${say("context")}</h2>
      ${rows.length === 0 && !ticked && html`<p>${say("nothingTold")}</p>`}
      ${rows.length > 0 && html`<dl class="pairs">${rows.map(([name, told]) => html`<dt>${name}</dt><dd>${told}</dd>`)}</dl>`}
      ${ticked && html`<h3>${say("checklistScore", { score: finding.checklist_score })}</h3>
        <ul>${items.map((item) => html`<li>${said(item.doctor)}</li>`)}</ul>`}
      <${PlacesDiffer} finding=${finding} link=${false} />
      ${onCorrected && html`<${CorrectFacts} finding=${finding} checklist=${checklist} onCorrected=${onCorrected} />`}
    </section>`;
};

/** A rule that asked for the band; of several pictures, the first one that asks for it by itself. @param {string} rule @param {FindingReport["facts"]} facts @param {Api["ConditionsView"]} conditions */
const sayRule = (rule, { band, pictures = [], ranked, stated }, conditions) => {
  if (rule === "picture") return say("rule_picture", { picture: pictures.findIndex((one) => one.band === band) + 1 });
  return hasWords(`rule_${rule}`) ? sayValue("rule", rule) : nameOf(conditions, { most_probable: ranked[0]?.key, named: stated }[rule] ?? rule);
};

/** Why it stands where it does in the list: how probable a skin cancer is, where the headline does not say so, which rules asked for the band, and the kind of picture, where the patient has not told that one. @param {{report: FindingReport, conditions: Api["ConditionsView"]}} props */
const Reasons = ({ report, conditions }) => {
  const { facts, headline, reading } = report;
  const { malignant_score: own, restated, raised_by: rules } = facts;
  const shown = restated ? restated.malignant_score : own;
  const alone = !["routine", "self_monitoring"].includes(facts.band) && headline.not_ruled_out.length === 0 && !isMalignant(conditions, headline.likely.key);
  const headed = !restated && (headline.mostly_malignant || alone);
  const score = typeof shown === "number" && (restated ? say("scoreRestated", { restated: sayShare(shown, true), own: sayShare(own ?? 0, true) }) : sayShare(shown, true));
  const reasons = [...new Set(rules.map((/** @type {string} */ rule) => sayRule(rule, facts, conditions)))];
  const said = [score && !headed && say("scoreIs", { score }), reasons.length > 0 && say("reasonsAre", { reasons: reasons.join(", ") }), facts.modality && (facts.context.modality === "unknown" || (facts.modality.used.length > 1 && facts.modality.recognised !== "unknown")) && say("kindByProgram", { kind: reading.kind })].filter(Boolean);
  return said.length > 0 && html`<p class="reasons"><small>${said.join(" · ")}</small></p>`;
};

/** What comparisons of the spot's photos have found, and no doctor has settled. @param {{changes?: Api["FoundChangeView"][]}} props */
const FoundChanges = ({ changes = [] }) => changes.length > 0 && html`
  <${Message}>${changes.map((one) => html`<p><strong>${said(one.sentence)}</strong> ${said(one.compared)}</p>`)}<//>`;

/** Whether the patient has read what was decided. @param {string | undefined} opened */
const sayOpened = (opened) => (opened ? say("openedByPatient", { date: sayDate(opened) }) : say("notOpenedYet"));

/** The findings of the spot, the newest first; this one is marked. @param {{spot: string, number: string}} props */
const SpotPhotos = ({ spot, number }) => {
  const pages = usePages(apiPath`/lesions/${spot}/submissions?order=newest&limit=20`);
  return html`
    <${Pages} pages=${pages} empty=${null}>
      ${(/** @type {Api["ListedFinding"][]} */ items) => html`<ol class="spot-photos">
        ${items.map((one) => html`<li key=${one.id}>
          <a href="#/case/${one.id}" aria-current=${String(one.id) === number ? "true" : null}>
            <${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
            <small><${UrgencySign} level=${one.level} size=${14} /> ${sayDate(one.created_at, false)}</small></a></li>`)}
      </ol>`}
    <//>`;
};

/** Each key and what it does. @param {"allKeys" | "photoKeys"} words */
const keysOf = (words) => say(words).split(/\s*;\s/).map((row) => row.split(/\s*:\s/)); // French has a space before both

/** All keys, unfolded by a click or by their own key. */
export const FoldedKeys = ({ named = true }) => {
  const [open, setOpen] = useState(false);
  useKeys({ "?": () => setOpen(!open), Escape: () => setOpen(false) });
  return html`
    <div class="help keys">
      ${named && html`<button class="quiet" aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>${say("keysTitle")}<kbd aria-hidden="true">?</kbd></button>`}
      ${open && html`<div class="card"><table>${[...keysOf("allKeys"), ...keysOf("photoKeys")].map(([key, does]) => html`<tr><th scope="row"><kbd>${key}</kbd></th><td>${does}</td></tr>`)}</table></div>`}
    </div>`;
};

/** The button to take a patient who has no doctor. @param {{patient: string, onTaken: () => void}} props */
export const TakePatient = ({ patient, onTaken }) => {
  const { run, busy, error } = useAct();
  const take = () => run(() => put(apiPath`/patients/${patient}/doctor`, {}).then(() => (toast(say("patientTaken")), onTaken())));
  useKeys({ ...(!busy && { t: take }) });
  if (error?.code === "patient_taken") return html`<${Failure} error=${error} />`;
  return html`
    <${Message}>
      <p><strong>${say("noDoctorYet")}</strong> ${say("noDoctorYetText")}</p>
      ${error && html`<${Failure} error=${error} />`}
      <button class="primary take-patient" disabled=${busy} onClick=${take}>${say("takePatient")}<kbd aria-hidden="true">t</kbd></button>
    <//>`;
};

/** In place of the form, once it is signed and nothing is open; its keys unfold it, and act in it. @param {{onChange: () => void}} props */
const ChangeDecision = ({ onChange }) => {
  const press = (/** @type {string} */ key) => {
    onChange();
    setTimeout(() => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))); // the form is there once this has been drawn
  };
  useKeys(Object.fromEntries([..."adegnpuy"].map((key) => [key, () => press(key)])));
  return html`<p><button class="change" onClick=${onChange}>${say("changeDecision")}</button></p>`;
};

/** Where the spot is, and its other photos; `mayPhotograph`: the doctor in charge, whose patient has not left. @param {{finding: Api["FindingInCareView"], back: string, mayPhotograph: boolean}} props */
const Strip = ({ finding, back, mayPhotograph }) => {
  const wanted = finding.decision?.photo_wanted;
  const { lesion, context } = finding;
  const { body_site: site, body_laterality: laterality, body_side: side } = context;
  const spot = useAnswer(() => get(apiPath`/lesions/${lesion}`), [lesion, finding.spot_version]);
  const place = spot.value?.place ?? (site && { site, laterality, side });
  return html`
    <section class="strip" aria-label=${say("sameSpot")}>
      ${place && html`<${PlaceMap} place=${place} band=${finding.instruction?.band} />`}
      <div class="grow">
        <p><a href=${leaveCase("course", lesion, finding.id, back)}>${spot.value ? nameOfSpot(spot.value) : say("sameSpot")}</a>${spot.value?.name && place && ` · ${sayPlace(place)}`}
          ${spot.value?.findings > 1 && html` · <a href=${leaveCase("visits", lesion, finding.id, back)}>${say("sideBySide")}</a>`}</p>
        ${mayPhotograph && html`<p><a class="button quiet" href=${`#/${placeOfPatientPhoto(finding.patient_id, wanted ? finding.id : null)}`}><${Icon} name="camera" size=${16} />${say("newPhotoOfPatient")}</a></p>`}
        <${SpotPhotos} spot=${lesion} number=${String(finding.id)} />
      </div>
    </section>`;
};

/** `onBegin` says that the review is begun; `openNext` opens the next case, and answers whether there is one; `early` are keys that came before the case.
 * @typedef {{back: string, early: string, wanted: boolean, onNext: (done?: boolean) => void, openNext: () => boolean, onBegin: () => void, onChanged: () => void}} Way */

const scrollUp = () => document.querySelector(".case-read")?.scrollTo(0, 0);

/** What a case says by now, and what is done with it. @param {string} number @param {Found} loaded @param {Way} way */
function useCase(number, loaded, { onNext, openNext, onChanged }) {
  const [now, setNow] = useState(loaded);
  useEffect(() => setNow(loaded), [loaded]); // in other words
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const { decision } = loaded.report;
  const settled = Boolean(decision && !decision.signed_before && !decision.waits_for && !loaded.work.opinion_came_at && !loaded.work.disputed && !loaded.work.opinion) && !hasDraft(number);
  const [form, setForm] = useState({ turn: 0, signed: false, folded: settled });
  const asked = isAsked(now.work); // a colleague sees the finding until the opinion is given
  const [gone, setGone] = useState(false); // the patient is in the care of somebody else by now
  const unfold = () => setForm({ ...form, folded: false });
  /** What the server says by now. The photo is not read again: that is audited. */
  const renew = () =>
    Promise.all([readFinding(number), getReviews(number), getWork(number)]).then(([[finding, report], reviews, work]) => {
      setError(null);
      setNow({ ...loaded, finding, report, reviews, work });
      setGone(false); // the patient is in this doctor's care again
    }, setError);
  const end = () => {
    onChanged();
    setGone(true);
  };
  const changed = () => {
    onChanged();
    return getWork(number).then((work) => setNow((before) => ({ ...before, work })), setError);
  };
  const shown = () => {
    onChanged();
    return renew();
  };
  const judged = () => shown().then(scrollUp);
  /** @param {boolean} stays @param {string} said */
  const done = (stays, said) => {
    onChanged();
    const signedOf = say("signedOf", { said, number, name: isolated(now.finding.user_name) });
    if (!stays && openNext()) return toast(signedOf, () => goTo(`case/${number}`), say("backToCase"));
    toast(signedOf);
    setForm({ turn: form.turn + 1, signed: true, folded: true });
    focusOn(".next-case");
    renew().then(scrollUp);
  };
  const entered = (/** @type {number | undefined} */ again) => {
    onChanged();
    if (again) goTo(`case/${again}`);
    else onNext(true);
  };
  return { now, asked, error, form, unfold, renew, changed, shown, judged, done, entered, gone, end };
}

/** What is read and written beside the photo. @param {{number: string, title: string, found: ReturnType<typeof useCase>} & Way} props */
const CaseRead = ({ number, title, found, wanted, onNext, onBegin }) => {
  const { asked, error, form, unfold, renew, changed, shown, judged, done, entered, end } = found;
  const { report, finding, reviews, work, conditions, written } = found.now; // what waits for an answer is read before the review
  const gone = finding.erase_at; // the patient's account is closed
  const unread = finding.no_access; // the patient cannot read here
  const conversation = !asked && !finding.unassigned && !unread
    && html`<${PatientConversation} spot=${finding.lesion} patient=${finding.patient_id} about=${finding} wanted=${wanted} />`;
  const byModel = finding.instruction?.from === "model" && finding.instruction.finding === finding.id;
  const decided = Boolean(report.decision && !report.spot_advice); // then the form stands before what has led to the decision
  const told = html`
    ${byModel && html`<${Reasons} report=${report} conditions=${conditions} />`}
    <${Context} finding=${finding} checklist=${conditions.checklist} onCorrected=${asked || finding.unassigned ? null : judged} />
    ${written && conversation}`;
  const signed = reviews.map((review) => html`
    <${Reviewed} key=${review._id} review=${review} conditions=${conditions}>
      ${!asked && !review.voided && html`<${AskReason} words=${say("takeReviewBack")} title=${say("takeReviewBackAsk")} label=${say("reason")} hint=${say("takeReviewBackHint")} name="take-back"
        path=${apiPath`/submissions/${number}/reviews/${review._id}/void`} onDone=${() => judged().then(unfold)}><p>${say("takeReviewBackText")}</p><//>`}
    <//>`);
  return html`
    <aside class="case-read">
      ${work.opinion?.of_me && html`<${Asked} opinion=${work.opinion} />`}
      <${Disputed} work=${work} />
      ${gone && html`<${Message}><p><strong>${say("patientClosed", { date: sayDate(gone, false) })}</strong> ${say("recordOfDeletedText")}</p><//>`}
      ${unread && !gone && html`<${Message}><p><strong>${say("noAccess")}</strong> ${say("recordOfDeletedText")}</p><//>`}
      <${Verdicts} title=${title} report=${report} finding=${finding} conditions=${conditions} doctor />
      <${FoundChanges} changes=${finding.changes} />
      <${ModelMark} finding=${finding} onJudged=${judged} />
      ${!decided && told}
      ${error && html`<${Failure} error=${error} retry=${renew} />`}
      ${report.decision && !asked && !gone && html`<p class="opened"><small>${sayOpened(work.opened_at ?? undefined)}</small></p>`}
      ${work.opinion !== undefined && !asked && html`<${CaseWork} number=${number} patient=${finding.user_name} work=${work} conditions=${conditions} mayAsk=${!gone} onChanged=${changed} />`}
      ${finding.unassigned
        ? html`<${TakePatient} patient=${finding.patient_id} onTaken=${shown} />`
        : asked
        ? html`<${GiveOpinion} number=${number} patient=${finding.user_name} askedAt=${work.opinion?.asked_at} conditions=${conditions} onGiven=${() => onNext(true)} />`
        : form.folded
        ? html`<${ChangeDecision} onChange=${unfold} />`
        : html`<${ReviewForm} key=${`${number} ${form.turn}`} number=${number} report=${report} conditions=${conditions} version=${finding.spot_version}
            instruction=${finding.instruction} left=${Boolean(gone)} onBegin=${onBegin} onSigned=${done} onStale=${shown} onGone=${end} />`}
      ${decided && told}
      ${signed.length > 0 && html`<details class="card"><summary>${say("reviews")} (${sayNumber(reviews.length)})</summary>${signed}</details>`}
      ${!asked && !finding.unassigned && html`<${Letters} key=${`letters ${number}`} number=${number} decision=${report.decision} spotVersion=${finding.spot_version} patient=${finding.user_name} conditions=${conditions} onStale=${renew} left=${Boolean(gone)} noAccess=${finding.no_access} />`}
      ${!written && conversation}
      ${!asked && !finding.unassigned && unread && html`<${FormerConversation} spot=${finding.lesion} patient=${finding.patient_id} closed="error_patient_cannot_read" />`}
      <${EarlierAnswers} finding=${finding} conditions=${conditions} doctor />
      <${Rest} report=${report} conditions=${conditions} doctor />
      <${Downloads} number=${number} />
      ${!asked && !finding.unassigned && html`<${WrongPatient} number=${number} decision=${finding.decision} onEntered=${entered} />`}
    </aside>`;
};

/** @param {{number: string, loaded: Found} & Way} props */
const CasePane = ({ number, loaded, ...way }) => {
  const found = useCase(number, loaded, way);
  const { conditions, finding, report, photo } = found.now;
  const title = say("findingOf", { number, date: sayDate(report.time) });
  return html`
    <article class="case finding" tabindex="-1">
      <header class="case-head">
        <a class="button quiet to-list" href=${way.back}><${Icon} name="back" size=${16} />${say("title_queue")}</a>
        <p>${!finding.unassigned && !found.asked && finding.patient_id
          ? html`<a href="#/patients/${finding.patient_id}"><strong>${isolated(finding.user_name)}</strong></a>`
          : html`<strong>${isolated(finding.user_name)}</strong>`} · ${title}</p>
        ${way.early && html`<p class="early" role="status">${say("keysTooEarly", { keys: way.early })}</p>`}
        <${FoldedKeys} />
        <button class=${found.form.signed ? "next-case primary" : "next-case"} onClick=${() => way.onNext(found.form.signed)}>${say("nextCase")}<kbd aria-hidden="true">j</kbd></button>
      </header>
      ${found.gone ? html`<div><${Message}><p><strong>${say("patientMoved")}</strong></p>${found.error && html`<p>${sayError(found.error)}</p>`}
        <button class="quiet" onClick=${found.renew}>${say("tryAgain")}</button><//></div>` : html`<div class="case-photo">
        <${FindingPhoto} finding=${finding} photo=${photo} heat=${finding.heat}>
          ${(/** @type {Api["PictureView"]} */ picture) => html`<${Alone} picture=${picture} conditions=${conditions} />`}
        <//>
        <${Strip} key=${report.decision?.decided_at} finding=${finding} back=${way.back}
          mayPhotograph=${!finding.unassigned && !found.asked && !finding.no_access} />
      </div>
      <${CaseRead} number=${number} title=${title} found=${found} ...${way} />`}
    </article>`;
};

const PARTS = "section, aside, article";
/** What has the focus keeps it where the page, drawn anew, moves it: what a doctor types next is no key of the case. Where a form is sent or closed, the part of the page around it gets the focus.
 * @param {{current: HTMLElement | null}} pane */
function useKeptFocus(pane) {
  useEffect(() => {
    const frame = pane.current;
    if (!frame) return undefined;
    let around = /** @type {HTMLElement[]} */ ([]);
    const remember = (/** @type {FocusEvent} */ { target }) => {
      const parts = [...frame.querySelectorAll(PARTS)].filter((one) => one.contains(/** @type {Node} */ (target)));
      around = [/** @type {HTMLElement} */ (target), .../** @type {HTMLElement[]} */ (parts).reverse()];
    };
    const keep = () => {
      if (document.activeElement !== document.body) return;
      const next = around.find((one) => one.isConnected);
      if (next?.matches(PARTS)) next.tabIndex = -1;
      next?.focus({ preventScroll: true });
      next?.scrollIntoView({ block: "nearest" });
    };
    const watching = new MutationObserver(keep);
    watching.observe(frame, { childList: true, subtree: true });
    frame.addEventListener("focusin", remember);
    return () => {
      watching.disconnect();
      frame.removeEventListener("focusin", remember);
    };
  }, []);
}

/** A case, beside the list that `back` leads to. `wanted` says that one has come for the conversation. @param {{number: string} & Way} props */
export const Case = ({ number, ...way }) => {
  const answer = useAnswer(() => loadCase(number), [number, getLanguage()]);
  useForgotten(answer.value?.photo);
  const pane = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    scrollToTop();
    pane.current?.focus({ preventScroll: true });
  }, []);
  useKeys({ m: () => focusOn("[name=message]") });
  useKeptFocus(pane);
  return html`
    <div ref=${pane} tabindex="-1" class="case-frame">
      <${Answer} answer=${answer}>
        ${(/** @type {Found} */ loaded) => html`<${CasePane} number=${number} loaded=${loaded} ...${way} />`}
      <//>
    </div>`;
};
