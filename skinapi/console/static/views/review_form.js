// The form in which the doctor in charge signs a review.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post, serverTime } from "/console/api.js";
import { onValue, sayError, Select, signByKey, toast, useKeys } from "/console/components.js";
import { colon, isolated, said, say, sayDate, sayShare, sayValue } from "/console/language.js";
import { keepDrafts } from "/console/views/drafts.js";
import { isMalignant, labelOfBand, nameOf } from "/console/views/finding.js";
import { bandBefore, comesTo, doubtsOf, EMPTY, ENOUGH, isKept, isRaised, keepsUrgency, labelsOf, milderOf, reviewOf, SAME } from "/console/views/review_draft.js";

/** @typedef {import("/console/views/review_draft.js").Draft} Draft */
/** @typedef {import("/console/views/review_draft.js").Reviewing} Reviewing */

const HISTOLOGIES = ["not_taken", "awaited", "confirmed"];
const LONGEST_NOTE = 1000;
const KEYS = 10;
/** The tenth has 0. @param {number} nth */
const keyOf = (nth) => String((nth + 1) % KEYS);
const STAY = "stay";
const READ_MS = 1000;
/** By finding. @type {import("/console/views/drafts.js").Drafts<Draft>} */
const drafts = keepDrafts("review");
const JUST_NOW_MS = 10_000;
/** What was not seen when the review was begun: what to say of it, and what of the draft does not hold any more. @type {Record<string, {words: WordKey, forget: Partial<Draft>}>} */
const UNSEEN = {
  idempotency_key_reused: { words: "reviewedMeanwhile", forget: { after: "", spot: "" } },
  spot_changed: { words: "spotChanged", forget: { agreement: "", label: "", urgency: "", spot: "" } },
  judged_meanwhile: { words: "judgedMeanwhile", forget: { agreement: "", label: "", urgency: "", version: 0, spot: "" } },
};

/** Whether a review is begun. @param {string} number */
export const hasDraft = (number) => drafts.get(number) !== undefined;

export function focusOn(/** @type {string} */ selector) {
  const field = /** @type {HTMLElement | null} */ (document.querySelector(`.case ${selector}`));
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}

/** What a doctor may name, or the laboratory has found (`result`), each always at the same place and with the same key; beside it how probable the model holds it.
 * @param {{labels: {key: string, text: string, share?: string, off: boolean}[], value: string, result: boolean, unsure: boolean, onLabel: (label: string) => void}} props */
const Labels = ({ labels, value, result, unsure, onLabel }) => html`
  <div class="chips labels" role="radiogroup" aria-label=${say(result ? "histology_result" : "label")}>
    ${[...labels, ...(unsure ? [{ key: "", text: say("noLabelNamed"), share: undefined, off: false }] : [])].map(({ key, text, share, off }, nth) => html`
      <label class="chip"><input type="radio" name=${result ? "result" : "label"} value=${key} checked=${key === value} required=${!unsure} disabled=${off}
        onChange=${() => onLabel(key)} />${text}${share !== undefined && html` <small>${share}</small>`}${key && nth < KEYS && html`<kbd aria-hidden="true">${keyOf(nth)}</kbd>`}</label>`)}
  </div>`;

/** What stands, and what withdraws it. @param {Api["DecisionView"]} decision */
const sayStanding = (decision) => html`<p class="standing"><small>${say(decision.histology === "confirmed" ? "resultStands" : "reviewStands", { name: isolated(decision.name), doctor: isolated(decision.decided_by) })}</small></p>`;

/** All that is about to be signed. @param {Draft} draft @param {Reviewing} reviewing */
function sayReview(draft, reviewing) {
  const { agreement, histology, picture } = draft;
  const { conditions } = reviewing;
  const { named, band } = comesTo(draft, reviewing);
  const known = histology === "confirmed";
  const name = named && nameOf(conditions, named);
  const word = agreement && say(/** @type {"unsure"} */ (agreement === ENOUGH ? "agree" : agreement));
  const what = known ? `${say("histology")}${colon()}${name || "…"}` : picture ? say("anotherPhoto") : name && agreement !== "disagree" ? `${word}${colon()}${name}` : name || word;
  const settled = name || draft.urgency || agreement === "unsure";
  const [from, to] = [bandBefore(reviewing), band].map((key) => labelOfBand(conditions, key));
  return [what, settled && (from === to ? to : `${from} → ${to}`), !known && histology && sayValue("histology", histology)].filter(Boolean).join(" · ");
}

/** What is asked before such a review is signed. @param {ReturnType<typeof doubtsOf>} doubts @param {Reviewing} reviewing */
const sayDoubts = (doubts, { report }) =>
  [doubts.includes("checklist") && say("askChecklist", { score: report.facts.checklist_score }), say("askSign")].filter(Boolean).join(" ");

/** The answers to what the model says, each with its key and named in full. @param {Reviewing} reviewing @returns {{value: string, key: string, text: string}[]} */
function agreementsOf(reviewing) {
  const { report, conditions } = reviewing;
  const agree = `${say("agree")}${colon()}${nameOf(conditions, report.headline.likely.key)}`;
  const kept = labelOfBand(conditions, comesTo({ ...EMPTY, agreement: "agree" }, reviewing).band);
  const milder = milderOf(reviewing);
  const band = milder && labelOfBand(conditions, milder);
  return [
    { value: "agree", key: "a", text: `${agree}, ${kept}` },
    ...(band ? [{ value: ENOUGH, key: "e", text: say("agreeEnough", { agree, band: band.charAt(0).toLowerCase() + band.slice(1) }) }] : []),
    { value: "disagree", key: "d", text: say("disagree") },
    { value: "unsure", key: "u", text: say("unsure") },
  ];
}

/** What a doctor may name, beside it how probable the model holds it; what it holds likely is no disagreement. @param {Reviewing} reviewing
 * @param {string} agreement */
function offeredLabels({ report, conditions, pictured }, agreement) {
  const { ranked } = report.facts.restated ?? report.facts;
  const shares = new Map(ranked.map((/** @type {Api["RankedCondition"]} */ { key, probability }) => [key, sayShare(probability, isMalignant(conditions, key))]));
  return labelsOf(conditions).map(({ key, names }) => ({
    key, text: said(names), share: shares.get(key), off: agreement === "disagree" && pictured && key === report.headline.likely.key,
  }));
}

/** The urgencies to choose from; beside the wish for another photo none that is milder. What the answer alone asks for stands once. @param {Reviewing} reviewing @param {Draft} draft
 * @returns {[string, string][]} */
function urgenciesOf(reviewing, draft) {
  const { report, conditions, pictured } = reviewing;
  const { picture, urgency } = draft;
  const answered = comesTo({ ...draft, urgency: "" }, reviewing);
  const alone = answered.named && answered.band;
  const others = conditions.bands.filter(({ key }) => (!pictured || key !== report.facts.band) && (!picture || keepsUrgency(reviewing, key)) && ((key !== alone && isKept(draft, reviewing, key)) || key === urgency));
  const same = say("urgencyAgreed", { band: labelOfBand(conditions, report.facts.band) });
  return [
    ...(pictured && report.facts.band !== alone && (isKept(draft, reviewing, report.facts.band) || urgency === SAME) ? [/** @type {[string, string]} */ ([SAME, same])] : []),
    ...others.map(({ key }) => /** @type {[string, string]} */ ([key, labelOfBand(conditions, key)])),
  ];
}

/** A review as it is filled in, kept in this tab. @param {string} number @param {string} seen the newest review that stands above @param {number} version that of the finding @param {string} spot the state of the spot */
function useDraft(number, seen, version, spot) {
  const [draft, setDraft] = useState(drafts.get(number) ?? EMPTY);
  const enter = (/** @type {Partial<Draft>} */ change) => {
    const before = drafts.get(number) ?? EMPTY;
    const next = { ...before, after: before.after || seen, version: before.version || version, spot: before.spot || spot, ...change };
    drafts.set(number, next);
    setDraft(next);
  };
  return { draft, enter };
}

/** What can be answered by now, and how: by the form, and by keys. @param {ReturnType<typeof useDraft>} filled @param {Reviewing} reviewing
 * @param {boolean} left @param {() => void} onBegin */
function useAnswers({ draft, enter }, reviewing, left, onBegin) {
  const { pictured } = reviewing;
  const { agreement } = draft;
  const known = draft.histology === "confirmed"; // the result is the label then
  const names = !known && ["disagree", "unsure"].includes(agreement);
  const agreements = agreementsOf(reviewing);
  const labels = offeredLabels(reviewing, agreement);
  const urgencies = urgenciesOf(reviewing, draft);
  const choose = (/** @type {string} */ agreement) => {
    onBegin();
    enter({ agreement, label: "", picture: false });
  };
  /** Who wants another photo has judged nothing. @param {boolean} picture */
  const want = (picture) => {
    const urgency = draft.urgency && draft.urgency !== SAME && !keepsUrgency(reviewing, draft.urgency) ? "" : draft.urgency;
    enter({ picture, ...(picture && { agreement: "", label: "", urgency }) });
  };
  const answer = {
    urgency: (/** @type {string} */ urgency) => enter({ urgency }),
    name: (/** @type {string} */ key) => enter(known ? { result: key } : { label: key }),
    histology: (/** @type {string} */ histology) =>
      enter({ histology, ...(histology === "confirmed" ? { agreement: "", label: "", picture: false } : { result: "" }) }),
  };
  /** A key goes on to the next answer; where Enter signs it is read below. @param {"urgency" | "histology"} name @param {string[]} keys */
  const next = (name, keys) => {
    const chosen = keys[keys.indexOf(draft[name]) + 1] ?? "";
    answer[name](chosen);
    setTimeout(() => focusOn(chosen === "confirmed" ? "[name=result]" : agreement ? "[name=agreement]:checked" : "#review"));
  };
  const chooseAt = (/** @type {string} */ agreement) => () => {
    if (known) return toast(say("resultIsLabel"));
    if (!pictured && ["agree", ENOUGH].includes(agreement)) return toast(say("error_no_picture_to_agree_on"));
    choose(agreement);
    // The fields are there once this has been drawn.
    setTimeout(() => {
      document.querySelector(".labels")?.scrollIntoView({ block: "nearest" });
      focusOn(`[value=${agreement}]`);
    });
  };
  useKeys({
    ...Object.fromEntries(agreements.map(({ value, key }) => [key, chooseAt(value)])),
    ...(!left && { p: () => {
      if (known) return toast(say("resultIsLabel"));
      want(!draft.picture);
      focusOn("[name=picture]"); // from there Enter signs
    } }),
    g: () => next("urgency", urgencies.map(([key]) => key)),
    y: () => next("histology", HISTOLOGIES),
    n: () => focusOn("[name=note]"),
    ...Object.fromEntries(names || known ? labels.slice(0, KEYS).map(({ key, off }, nth) => [keyOf(nth), () => (off ? toast(say("likelyIsAgreement")) : answer.name(key))]) : []),
  });
  return { known, names, agreements, labels, urgencies, choose, want, answer };
}

/** Signs a review, once what is in doubt was asked. `asking` is what is asked now.
 * @param {ReturnType<typeof useDraft>} filled @param {Reviewing} reviewing
 * @param {{number: string, seen: string, version: number, spot: string, onSigned: (stays: boolean, said: string) => void, onStale: () => Promise<void>, onGone: () => void}} about */
function useSigning({ draft, enter }, reviewing, { number, seen, version, spot, onSigned, onStale, onGone }) {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [doubted, setDoubted] = useState(/** @type {{of: Draft, at: number} | null} */ (null)); // the review about which one was asked once more, and when
  const [missing, setMissing] = useState(/** @type {{of: Draft, name: string} | null} */ (null)); // the field without which it is not signed
  const doubts = doubtsOf(draft, reviewing);
  const sign = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    setError(null);
    const fields = /** @type {HTMLInputElement[]} */ ([.../** @type {HTMLFormElement} */ (event.target).elements]);
    const empty = fields.find((field) => !field.validity.valid);
    if (empty) {
      setMissing({ of: draft, name: empty.name });
      return focusOn(`[name=${empty.name}]`);
    }
    if (doubts.length > 0) {
      if (doubted?.of !== draft) return setDoubted({ of: draft, at: event.timeStamp });
      if (event.timeStamp - doubted.at < READ_MS) return; // a second tap, by which nobody has read it
    }
    const form = /** @type {HTMLFormElement} */ (event.target);
    const stays = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === STAY;
    setBusy(true);
    try {
      // One review of each doctor follows what was seen, in however many windows it is signed and sent again.
      const review = await post(apiPath`/submissions/${number}/review`, { ...reviewOf(draft, reviewing, doubts.length > 0), version: draft.version || version, spot_state: draft.spot || spot || null }, `review-${number}-after-${draft.after || seen}`);
      if (drafts.get(number) === draft) drafts.delete(number); // else it was changed meanwhile
      const before = serverTime() - Date.parse(review.created_at) > JUST_NOW_MS;
      const said = before ? say("signedBefore", { date: sayDate(review.created_at) }) : sayReview(draft, reviewing);
      if (form.isConnected) onSigned(stays, said);
      else toast(`${say("title_finding")} ${number}, ${say("signed")}${colon()}${said}`); // the doctor works at another finding by now
    } catch (problem) {
      if (problem.status === 404) {
        drafts.delete(number);
        return form.isConnected ? onGone() : toast(say("notSigned", { number, reason: say("patientMoved") }));
      }
      const unseen = UNSEEN[problem.code];
      if (unseen) await onStale();
      if (unseen) enter({ ...unseen.forget }); // what was signed or judged meanwhile stands above now
      setError(unseen ? { status: 422, code: "", message: say(unseen.words) } : problem);
      setBusy(false);
      if (!form.isConnected) toast(say("notSigned", { number, reason: sayError(problem) }));
    }
  };
  const lacks = missing?.of === draft ? say(/** @type {WordKey} */ (`missing_${missing.name}`)) : "";
  return { sign, busy, refused: error ? sayError(error) : lacks, asking: doubted?.of === draft ? doubts : null };
}

/** The bar that signs takes its height from what scrolls beside it, and what was chosen stays in sight: a key may have chosen it. @param {Draft} draft */
function useBar({ agreement, label, result }) {
  const bar = useRef(/** @type {HTMLElement | null} */ (null));
  const turns = useRef(0);
  const show = () => {
    if (turns.current < 2) return; // a case that is opened begins at its top
    [...document.querySelectorAll("#review .chips :checked")].at(-1)?.closest(".chip")?.scrollIntoView({ block: "nearest" });
  };
  useEffect(() => {
    const signing = /** @type {HTMLElement} */ (bar.current);
    const read = /** @type {HTMLElement} */ (signing.parentElement);
    const fitted = new ResizeObserver(() => {
      read.style.setProperty("--signing", `${signing.offsetHeight}px`);
      show();
    });
    fitted.observe(signing);
    return () => fitted.disconnect();
  }, []);
  useEffect(() => {
    turns.current += 1;
    show();
  }, [agreement, label, result]);
  return bar;
}

/** Enter on the form itself, and Shift and Enter anywhere in it. @param {On<KeyboardEvent>} event */
const signByEnter = (event) => {
  if (event.key === "Enter" && event.repeat) event.preventDefault(); // a key that is held down answers no question
  if (event.key !== "Enter" || event.repeat || !(event.shiftKey || event.target.matches("form")) || event.target.matches("textarea")) return;
  event.preventDefault();
  const stays = event.shiftKey && document.querySelector(`.signing [value=${STAY}]`);
  /** @type {HTMLFormElement} */ (document.getElementById("review")).requestSubmit(/** @type {HTMLElement | null} */ (stays || null));
};

/** Without a kept photo (`pictured`) there is nothing that one could agree with. `counts`: what was said of another photo, where that counts.
 * `left`: the patient is gone, and sends no other photo. `seen` is the newest review that stands above, `version` that of the finding, `spot` the state of the spot. `onBegin` is called
 * where agreement is chosen, `onSigned` with whether the doctor stays and what was done, `onStale` where another review was signed, or the photo judged again, meanwhile; `onGone` where the doctor may not see the finding any more.
 * @param {{number: string, report: FindingReport, conditions: Api["ConditionsView"], pictured: boolean, left?: boolean, counts?: Api["InstructionView"] | null, seen?: string, version: number, spot?: string,
 *   onBegin: () => void, onSigned: (stays: boolean, said: string) => void, onStale: () => Promise<void>, onGone: () => void}} props */
export const ReviewForm = ({ number, report, conditions, pictured, left = false, counts = null, seen = "none", version, spot = "", onBegin, onSigned, onStale, onGone }) => {
  const reviewing = { report, conditions, pictured, counts };
  const filled = useDraft(number, seen, version, spot);
  const { draft, enter } = filled;
  const { known, names, agreements, labels, urgencies, choose, want, answer } = useAnswers(filled, reviewing, left, onBegin);
  const { sign, busy, refused, asking } = useSigning(filled, reviewing, { number, seen, version, spot, onSigned, onStale, onGone });
  const bar = useBar(draft);
  const { agreement } = draft;
  // Beside an urgent finding, a mole's own urgency is an all-clear: it is read before it is signed.
  const { named, band } = comesTo({ ...draft, urgency: "" }, reviewing);
  const suggested = named ? say(band === report.facts.band ? "urgencyAgreed" : "urgencyWith", { band: labelOfBand(conditions, band) }) : say("notSaid");
  const needed = !draft.picture && draft.urgency === "";
  const withKey = (/** @type {string} */ title, /** @type {string} */ key) => html`${title} <kbd aria-hidden="true">${key}</kbd>`;
  return html`
    <form class="card" id="review" tabindex="-1" novalidate aria-busy=${String(busy)} onSubmit=${sign} onKeyDown=${signByEnter} aria-label=${say("review")}>
      ${known
        ? html`<p>${say("resultIsLabel")}</p>`
        : html`<div class="chips" role="radiogroup" aria-label=${say("agreement")}>
          ${agreements.map(({ value, key, text }) => html`<label key=${value} class="chip"><input type="radio" name="agreement" value=${value}
            required=${needed}
            disabled=${["agree", ENOUGH].includes(value) && !pictured} checked=${agreement === value}
            onChange=${() => choose(value)} />${text}<kbd aria-hidden="true">${key}</kbd></label>`)}
        </div>`}
      ${!counts && !known && (agreement || draft.histology || draft.picture || draft.urgency) && report.decision && sayStanding(report.decision)}
      ${!pictured && html`<p><small>${say("error_no_picture_to_agree_on")}</small></p>`}
      ${(names || known) && html`<${Labels} labels=${labels} value=${known ? draft.result : draft.label} result=${known} unsure=${!known && agreement === "unsure"} onLabel=${answer.name} />`}
      <div class="pair"><${Select} id="review-urgency" name="urgency" label=${withKey(say("urgency"), "g")} value=${urgencies.some(([key]) => key === draft.urgency) ? draft.urgency : ""}
        options=${[["", suggested], ...urgencies]} onChoose=${answer.urgency} />
      <${Select} id="review-histology" name="histology" label=${withKey(say("histology"), "y")} value=${draft.histology}
        options=${[["", say("notSaid")], ...HISTOLOGIES.map((key) => [key, sayValue("histology", key)])]} onChoose=${answer.histology} /></div>
      ${!left && html`<label class="tick"><input type="checkbox" name="picture" checked=${draft.picture} disabled=${known}
        onChange=${(/** @type {FieldEvent} */ event) => want(event.target.checked)} />${say("anotherPhoto")}<kbd aria-hidden="true">p</kbd></label>`}
      <div class="field">
        <label for="review-note">${say("note")}</label>
        <textarea id="review-note" name="note" aria-describedby="review-readers" rows="2" maxlength=${LONGEST_NOTE} value=${draft.note} onKeyDown=${signByKey}
          onInput=${onValue((note) => enter({ note }))}></textarea>
        <small id="review-readers">${say("noteForPatient")}${isRaised(draft, reviewing) && html` <strong>${say("sayWhySoSoon")}</strong>`}</small>
      </div>
    </form>
    <div class="signing" ref=${bar} onKeyDown=${signByEnter}>
      <p aria-live="polite">${sayReview(draft, reviewing)}${asking && html`<strong class="doubt">${sayDoubts(asking, reviewing)}</strong>`}
        ${refused && html`<strong class="doubt">${refused}</strong>`}</p>
      <button class="primary" form="review" disabled=${busy}>${say(busy ? "sending" : "signNext")}</button>
      <button form="review" value=${STAY} disabled=${busy} aria-keyshortcuts="Shift+Enter">${say("sign")}</button>
    </div>`;
};
