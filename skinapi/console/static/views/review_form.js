// The form in which the doctor in charge signs a review.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post, serverTime } from "/console/api.js";
import { onValue, sayError, Select, signByKey, toast, useKeys } from "/console/components.js";
import { colon, said, say, sayDate, sayShare, sayValue } from "/console/language.js";
import { keepDrafts } from "/console/views/drafts.js";
import { isMalignant, labelOfBand, nameOf } from "/console/views/finding.js";
import { bandUntilNow, comesTo, EMPTY, ENOUGH, isRaised, labelsOf, milderOf, reviewOf } from "/console/views/review_draft.js";

/** @typedef {import("/console/views/review_draft.js").Draft} Draft */
/** @typedef {import("/console/views/review_draft.js").Reviewing} Reviewing */

const SAMPLES = ["none", "waiting", "laboratory"];
const LONGEST_NOTE = 1000;
const KEYS = 10;
/** The tenth has 0. @param {number} nth */
const keyOf = (nth) => String((nth + 1) % KEYS);
const STAY = "stay";
const READ_MS = 1000;
/** By finding. @type {import("/console/views/drafts.js").Drafts<Draft>} */
const drafts = keepDrafts("review");
const JUST_NOW_MS = 10_000;
/** The spot has another version by now: this doctor may have signed in another window. */
const CHANGED = ["spot_changed", "idempotency_key_reused"];

/** Whether a review is begun. @param {string} number */
export const hasDraft = (number) => drafts.get(number) !== undefined;

export function focusOn(/** @type {string} */ selector) {
  const field = /** @type {HTMLElement | null} */ (document.querySelector(`:is(.case, .spot-review) ${selector}`));
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}

/** What a doctor may name, or the laboratory has found (`known`), each always at the same place and with the same key; beside it how probable the model holds it.
 * @param {{labels: {key: string, text: string, share?: string}[], value: string, known: boolean, unsure: boolean, onLabel: (label: string) => void}} props */
const Labels = ({ labels, value, known, unsure, onLabel }) => html`
  <div class="chips labels" role="radiogroup" aria-label=${say(known ? "certainty_laboratory" : "label")}>
    ${[...labels, ...(unsure ? [{ key: "", text: say("noLabelNamed"), share: undefined }] : [])].map(({ key, text, share }, nth) => html`
      <label class="chip"><input type="radio" name="label" value=${key} checked=${key === value} required=${!unsure}
        onChange=${() => onLabel(key)} />${text}${share !== undefined && html` <small>${share}</small>`}${key && nth < KEYS && html`<kbd aria-hidden="true">${keyOf(nth)}</kbd>`}</label>`)}
  </div>`;

/** All that is about to be signed. @param {Draft} draft @param {Reviewing} reviewing */
function sayReview(draft, reviewing) {
  const { agreement, sample, picture } = draft;
  const { conditions, instruction } = reviewing;
  const { named, band } = comesTo(draft, reviewing);
  const known = sample === "laboratory";
  const name = named && nameOf(conditions, named);
  const word = agreement && say(/** @type {"unsure"} */ (agreement === ENOUGH ? "agree" : agreement));
  const what = known ? `${say("certainty_laboratory")}${colon()}${name || "…"}` : name && agreement !== "disagree" ? `${word}${colon()}${name}` : name || word;
  const settled = name || draft.urgency || picture || agreement === "unsure";
  const [from, to] = [instruction?.band ?? bandUntilNow(reviewing), band].map((key) => labelOfBand(conditions, key));
  return [what, settled && (from === to ? to : `${from} → ${to}`), picture && say("anotherPhoto"), !known && sample && sayValue("sample", sample)].filter(Boolean).join(" · ");
}

/** What a review makes milder, before it is signed. @param {Api["ReplacedStatement"]} replaces @param {Reviewing} reviewing */
function sayReplaced({ said_by: by, urgency, label, doctor, said_at: at }, { conditions }) {
  const what = [label && nameOf(conditions, label), labelOfBand(conditions, urgency)].filter(Boolean).join(", ");
  return say(/** @type {WordKey} */ (`milder_${doctor ? "review" : by}`), { what, doctor: doctor ?? "", date: at ? sayDate(at, false) : "" });
}

/** The answers to what the model says, each with its key and named in full. @param {Reviewing} reviewing @returns {{value: string, key: string, text: string}[]} */
function agreementsOf(reviewing) {
  const { report, conditions } = reviewing;
  const answers = ["disagree", "unsure"].map((value) => ({ value, key: value[0] ?? "", text: say(/** @type {"unsure"} */ (value)) }));
  if (!report) return answers;
  const agree = `${say("agree")}${colon()}${nameOf(conditions, report.headline.likely.key)}`;
  const kept = labelOfBand(conditions, comesTo({ ...EMPTY, agreement: "agree" }, reviewing).band);
  const milder = milderOf(reviewing);
  const band = milder && labelOfBand(conditions, milder);
  return [
    { value: "agree", key: "a", text: `${agree}, ${kept}` },
    ...(band ? [{ value: ENOUGH, key: "e", text: say("agreeEnough", { agree, band: band.charAt(0).toLowerCase() + band.slice(1) }) }] : []),
    ...answers,
  ];
}

/** What a doctor may name, beside it how probable the model holds it. @param {Reviewing} reviewing */
function offeredLabels({ report, conditions }) {
  const { ranked } = report?.facts.restated ?? report?.facts ?? { ranked: [] };
  const shares = new Map(ranked.map((/** @type {Api["RankedCondition"]} */ { key, probability }) => [key, sayShare(probability, isMalignant(conditions, key))]));
  return labelsOf(conditions).map(({ key, names }) => ({ key, text: said(names), share: shares.get(key) }));
}

/** The urgencies to choose from beside that which the form fills in. @param {Reviewing} reviewing @param {Draft} draft @returns {[string, string][]} */
function urgenciesOf(reviewing, draft) {
  const { conditions } = reviewing;
  const filled = comesTo({ ...draft, urgency: "" }, reviewing).band;
  return conditions.bands.filter(({ key }) => key !== filled || key === draft.urgency).map(({ key }) => [key, labelOfBand(conditions, key)]);
}

/** A review as it is filled in, kept in this tab. @param {string} number @param {number} version that of the spot */
function useDraft(number, version) {
  const [draft, setDraft] = useState(drafts.get(number) ?? EMPTY);
  const enter = (/** @type {Partial<Draft>} */ change) => {
    const before = drafts.get(number) ?? EMPTY;
    const next = { ...before, version: before.version || version, ...change };
    drafts.set(number, next);
    setDraft(next);
  };
  return { draft, enter };
}

/** What can be answered by now, and how: by the form, and by keys. @param {ReturnType<typeof useDraft>} filled @param {Reviewing} reviewing
 * @param {boolean} left @param {() => void} onBegin */
function useAnswers({ draft, enter }, reviewing, left, onBegin) {
  const { agreement } = draft;
  const known = draft.sample === "laboratory"; // the result is the label then
  const names = !known && ["disagree", "unsure"].includes(agreement);
  const agreements = agreementsOf(reviewing);
  const labels = offeredLabels(reviewing);
  const urgencies = urgenciesOf(reviewing, draft);
  const choose = (/** @type {string} */ agreement) => {
    onBegin();
    enter({ agreement, label: "" });
  };
  const want = (/** @type {boolean} */ picture) => enter({ picture });
  const answer = {
    urgency: (/** @type {string} */ urgency) => enter({ urgency }),
    name: (/** @type {string} */ label) => enter({ label }),
    sample: (/** @type {string} */ sample) =>
      enter({ sample, ...(sample === "laboratory" ? { agreement: "", label: "" } : known && { label: "" }) }),
  };
  const chooseAt = (/** @type {string} */ agreement) => () => {
    if (known) return toast(say("resultIsLabel"));
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
      want(!draft.picture);
      focusOn("[name=picture]"); // from there Enter signs
    } }),
    g: () => focusOn("[name=urgency]"),
    y: () => focusOn("[name=sample]"),
    n: () => focusOn("[name=note]"),
    ...Object.fromEntries(names || known ? labels.slice(0, KEYS).map(({ key }, nth) => [keyOf(nth), () => answer.name(key)]) : []),
  });
  return { known, names, agreements, labels, urgencies, choose, want, answer };
}

/** Signs a review. `asking` is what it would make milder: the doctor signs again to confirm it.
 * @param {ReturnType<typeof useDraft>} filled @param {Reviewing} reviewing
 * @param {{number: string, path: string, version: number, onSigned: (stays: boolean, said: string) => void, onStale: () => Promise<void>, onGone: () => void}} about */
function useSigning({ draft, enter }, reviewing, { number, path, version, onSigned, onStale, onGone }) {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [milder, setMilder] = useState(/** @type {{of: Draft, at: number, replaces: Api["ReplacedStatement"]} | null} */ (null)); // the review that is to be confirmed, and since when that is asked
  const [missing, setMissing] = useState(/** @type {{of: Draft, name: string} | null} */ (null)); // the field without which it is not signed
  const sign = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    setError(null);
    const fields = /** @type {HTMLInputElement[]} */ ([.../** @type {HTMLFormElement} */ (event.target).elements]);
    const empty = fields.find((field) => !field.validity.valid);
    if (empty) {
      setMissing({ of: draft, name: empty.name });
      return focusOn(`[name=${empty.name}]`);
    }
    const confirmed = milder?.of === draft;
    if (confirmed && performance.now() - milder.at < READ_MS) return; // a second tap, by which nobody has read it
    const form = /** @type {HTMLFormElement} */ (event.target);
    const stays = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === STAY;
    setBusy(true);
    try {
      const seen = draft.version || version;
      // A doctor signs each version of a spot once, in however many windows it is signed and sent again.
      const review = await post(path, { ...reviewOf(draft, reviewing, confirmed), spot_version: seen }, `review-${number}-of-${seen}`);
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
      if (problem.replaces && form.isConnected) {
        setBusy(false);
        return setMilder({ of: draft, at: performance.now(), replaces: problem.replaces });
      }
      const changed = CHANGED.includes(problem.code);
      if (changed) await onStale();
      if (changed) enter({ agreement: "", label: "", urgency: "", version: 0 }); // the page says what holds now
      setError(changed ? { status: 422, code: "", message: say("spotChanged") } : problem);
      setBusy(false);
      if (!form.isConnected) toast(say("notSigned", { number, reason: sayError(problem) }));
    }
  };
  const lacks = missing?.of === draft ? say(/** @type {WordKey} */ (`missing_${missing.name}`)) : "";
  return { sign, busy, refused: error ? sayError(error) : lacks, asking: milder?.of === draft ? milder.replaces : null };
}

/** The bar that signs takes its height from what scrolls beside it, and what was chosen stays in sight: a key may have chosen it. @param {Draft} draft */
function useBar({ agreement, label }) {
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
  }, [agreement, label]);
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

/** `instruction`: that of the spot; `report`: null if all its photos were deleted. The review is sent to `path`.
 * `left`: the patient is gone, and sends no other photo. `version` is that of the spot. `onBegin` is called
 * where agreement is chosen, `onSigned` with whether the doctor stays and what was done, `onStale` if the spot has changed meanwhile; `onGone` where the doctor may not see the finding any more.
 * @param {{number: string, path?: string, report: FindingReport | null, conditions: Api["ConditionsView"], left?: boolean, instruction?: Api["InstructionView"] | null, version: number,
 *   onBegin: () => void, onSigned: (stays: boolean, said: string) => void, onStale: () => Promise<void>, onGone: () => void}} props */
export const ReviewForm = ({ number, path = apiPath`/submissions/${number}/review`, report, conditions, left = false, instruction = null, version, onBegin, onSigned, onStale, onGone }) => {
  const reviewing = { report, conditions, instruction };
  const filled = useDraft(number, version);
  const { draft, enter } = filled;
  const { known, names, agreements, labels, urgencies, choose, want, answer } = useAnswers(filled, reviewing, left, onBegin);
  const { sign, busy, refused, asking } = useSigning(filled, reviewing, { number, path, version, onSigned, onStale, onGone });
  const bar = useBar(draft);
  const { agreement } = draft;
  // Beside an urgent finding, a mole's own urgency is an all-clear: it is read before it is signed.
  const { named, band } = comesTo({ ...draft, urgency: "" }, reviewing);
  const label = labelOfBand(conditions, band);
  const suggested = named && band !== bandUntilNow(reviewing) ? say("urgencyWith", { band: label }) : report ? say("urgencyAgreed", { band: label }) : label;
  const needed = !draft.picture && draft.urgency === "";
  const withKey = (/** @type {string} */ title, /** @type {string} */ key) => html`${title} <kbd aria-hidden="true">${key}</kbd>`;
  return html`
    <form class="card" id="review" tabindex="-1" novalidate aria-busy=${String(busy)} onSubmit=${sign} onKeyDown=${signByEnter} aria-label=${say("review")}>
      ${known
        ? html`<p>${say("resultIsLabel")}</p>`
        : html`<div class="chips" role="radiogroup" aria-label=${say("agreement")}>
          ${agreements.map(({ value, key, text }) => html`<label key=${value} class="chip"><input type="radio" name="agreement" value=${value}
            required=${needed}
            checked=${agreement === value}
            onChange=${() => choose(value)} />${text}<kbd aria-hidden="true">${key}</kbd></label>`)}
        </div>`}
      ${(names || known) && html`<${Labels} labels=${labels} value=${draft.label} known=${known} unsure=${!known && agreement === "unsure"} onLabel=${answer.name} />`}
      <div class="pair"><${Select} id="review-urgency" name="urgency" label=${withKey(say("urgency"), "g")} value=${urgencies.some(([key]) => key === draft.urgency) ? draft.urgency : ""}
        options=${[["", suggested], ...urgencies]} onChoose=${answer.urgency} />
      <${Select} id="review-sample" name="sample" label=${withKey(say("sample"), "y")} value=${draft.sample}
        options=${[["", say("notSaid")], ...SAMPLES.map((key) => [key, sayValue("sample", key)])]} onChoose=${answer.sample} /></div>
      ${!left && html`<label class="tick"><input type="checkbox" name="picture" checked=${draft.picture}
        onChange=${(/** @type {FieldEvent} */ event) => want(event.target.checked)} />${say("anotherPhoto")}<kbd aria-hidden="true">p</kbd></label>`}
      <div class="field">
        <label for="review-note">${say("note")}</label>
        <textarea id="review-note" name="note" aria-describedby="review-readers" rows="2" maxlength=${LONGEST_NOTE} value=${draft.note} onKeyDown=${signByKey}
          onInput=${onValue((note) => enter({ note }))}></textarea>
        <small id="review-readers">${say("noteForPatient")}${isRaised(draft, reviewing) && html` <strong>${say("sayWhySoSoon")}</strong>`}</small>
      </div>
    </form>
    <div class="signing" ref=${bar} onKeyDown=${signByEnter}>
      <p aria-live="polite">${sayReview(draft, reviewing)}${asking && html`<strong class="doubt">${sayReplaced(asking, reviewing)}</strong>`}
        ${refused && html`<strong class="doubt">${refused}</strong>`}</p>
      <button class="primary" form="review" disabled=${busy}>${say(busy ? "sending" : "signNext")}</button>
      <button form="review" value=${STAY} disabled=${busy} aria-keyshortcuts="Shift+Enter">${say("sign")}</button>
    </div>`;
};
