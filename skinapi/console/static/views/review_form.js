// @ts-check
// The form in which the doctor in charge signs a review.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post, serverTime } from "/console/api.js";
import { Message, sayError, signByKey, toast, useKeys } from "/console/components.js";
import { colon, isolated, said, say, sayDate, sayValue } from "/console/language.js";
import { labelOfBand, nameOf } from "/console/views/finding.js";
import { keepDrafts } from "/console/views/drafts.js";

const AGREEMENTS = /** @type {const} */ ([
  ["agree", "a"],
  ["disagree", "d"],
  ["unsure", "u"],
]);
const HISTOLOGIES = ["not_taken", "awaited", "confirmed"];
const LONGEST_NOTE = 1000;
const SAME = "same";
/** The button that opens no next case. */
const STAY = "stay";
/** A week at most, which ends with a day. */
const DAYS_HELD = 6;
/** `after` is the newest review that the doctor saw when this one was begun. */
const EMPTY = { agreement: "", label: "", urgency: "", histology: "", result: "", picture: false, note: "", held: "", after: "" };

/** By finding. @type {import("/console/views/drafts.js").Drafts<typeof EMPTY>} */
const drafts = keepDrafts("review");
/** An answer that is older is that of an earlier request. */
const JUST_NOW_MS = 10_000;

/**
 * Fill the form with what a second opinion says, for the doctor in charge to sign. Its note was for that doctor.
 * @param {string} number @param {Api["ReviewView"]} opinion @param {FindingReport} report
 */
export function fillReview(number, opinion, report) {
  const { agreement, certainty, label, urgency, histology, histology_result: result, new_picture_wanted: picture } = opinion;
  drafts.set(number, {
    agreement: agreement === "unsure" && certainty === "sure" ? (label ? "disagree" : "") : agreement,
    label: agreement === "agree" ? "" : (label ?? ""),
    urgency: opinion.agrees_with_urgency ? SAME : (urgency ?? ""),
    histology: histology ?? "",
    result: result ?? "",
    picture,
    note: "",
    held: "",
    after: "",
  });
}

/** @param {string} selector */
export function focusOn(selector) {
  const field = /** @type {HTMLElement | null} */ (document.querySelector(`.case ${selector}`));
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}

/** What a doctor may name. @param {Api["ConditionsView"]} conditions */
const labelsOf = (conditions) => [...conditions.conditions, ...(conditions.review_only ?? [])];

/** What is sent. The doctor's own label stays beside another result. @param {typeof EMPTY} draft @param {string} likely */
function reviewOf({ agreement, label, urgency, histology, result, picture, note, held }, likely) {
  const known = histology === "confirmed";
  const sure = ["agree", "disagree"].includes(agreement) || known || (agreement === "" && urgency !== "");
  const agrees = agreement === "agree" && (!known || result === likely);
  return {
    certainty: sure ? "sure" : "unsure",
    agrees_with_label: agrees || null,
    label: agreement === "agree" ? likely : label || null,
    agrees_with_urgency: urgency === SAME || null,
    urgency: urgency === SAME ? null : urgency || null,
    histology: histology || null,
    histology_result: known ? result : null,
    new_picture_wanted: picture,
    note: note.trim() || null,
    // A server of the version before refuses the field. It can hold nothing back, so that is right where it is asked for.
    ...(held && { hold_until: new Date(`${held}T23:59`).toISOString() }),
  };
}

/** A day as a field of a form has it. @param {number} after how many days after today */
function dayAfter(after) {
  const day = new Date();
  day.setDate(day.getDate() + after);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** Until when the patient is not shown the review. @param {{held: string, onHeld: (held: string) => void}} props */
const Hold = ({ held, onHeld }) => html`
  <label class="tick"><input type="checkbox" name="hold" checked=${held !== ""}
    onChange=${(/** @type {FieldEvent} */ event) => onHeld(event.target.checked ? dayAfter(2) : "")} />${say("holdIt")}</label>
  ${held !== "" &&
  html`<div class="field">
    <label for="review-held">${say("holdUntil")}</label>
    <input id="review-held" name="held" type="date" required min=${dayAfter(0)} max=${dayAfter(DAYS_HELD)} value=${held}
      onChange=${(/** @type {FieldEvent} */ event) => event.target.value && onHeld(event.target.value)} />
    <small>${say("holdText")}</small>
  </div>`}`;

/**
 * A list to choose from.
 * @param {{name: string, title: string, value: string, first: string, options: {key: string, text: string}[],
 *   required?: boolean, onValue: (value: string) => void}} props
 */
const Select = ({ name, title, value, first, options, required = false, onValue }) => html`
  <div class="field">
    <label for="review-${name}">${title}</label>
    <select id="review-${name}" name=${name} required=${required} value=${value}
      onChange=${(/** @type {FieldEvent} */ event) => onValue(event.target.value)}>
      <option value="">${first}</option>
      ${options.map(({ key, text }) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
    </select>
  </div>`;

/**
 * What a doctor may name, the most probable first; the first nine have a key.
 * @param {{labels: {key: string, text: string}[], value: string, unsure: boolean, onLabel: (label: string) => void}} props
 */
const Labels = ({ labels, value, unsure, onLabel }) => html`
  <div class="chips labels" role="radiogroup" aria-label=${say("label")}>
    ${[...labels, ...(unsure ? [{ key: "", text: say("noLabelNamed") }] : [])].map(({ key, text }, nth) => html`
      <label class="chip"><input type="radio" name="label" value=${key} checked=${key === value} required=${!unsure}
        onChange=${() => onLabel(key)} />${text}${key && nth < 9 && html`<kbd aria-hidden="true">${nth + 1}</kbd>`}</label>`)}
  </div>`;

/** What stands, and what withdraws it. @param {{decision: Api["DecisionView"] | null}} props */
const Standing = ({ decision }) =>
  decision &&
  html`<p class="standing"><small>${say(decision.histology === "confirmed" ? "resultStands" : "reviewStands", {
    name: isolated(decision.name),
    doctor: isolated(decision.decided_by),
  })}</small></p>`;

/**
 * Without a kept photo (`pictured`) there is nothing that one could agree with. `asked`: the caller
 * gives a second opinion, which the doctor in charge alone reads. `seen` is the newest review that stands above. `onBegin` is called
 * where agreement is chosen, `onSigned` with whether the doctor stays and what was done, `onStale` where another review was signed meanwhile.
 * @param {{number: string, report: FindingReport, conditions: Api["ConditionsView"], pictured: boolean, asked?: boolean, seen?: string,
 *   onBegin: () => void, onSigned: (stays: boolean, said: string) => void, onStale: () => Promise<void>}} props
 */
export const ReviewForm = ({ number, report, conditions, pictured, asked = false, seen = "none", onBegin, onSigned, onStale }) => {
  const likely = report.headline.likely.key;
  const [draft, setDraft] = useState(drafts.get(number) ?? EMPTY);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [busy, setBusy] = useState(false);
  /** @param {Partial<typeof EMPTY>} change */
  const enter = (change) => {
    const before = drafts.get(number) ?? EMPTY;
    const next = { ...before, after: before.after || seen, ...change };
    drafts.set(number, next);
    setDraft(next);
  };
  const { agreement } = draft;
  const places = report.facts.ranked.map((/** @type {Api["Ranked"]} */ { key }) => key);
  const placeOf = (/** @type {string} */ key) => (places.includes(key) ? places.indexOf(key) : places.length);
  const labels = labelsOf(conditions).map((one) => ({ key: one.key, text: said(one.names) })).sort((one, other) => placeOf(one.key) - placeOf(other.key));
  const others = agreement === "disagree" && pictured ? labels.filter(({ key }) => key !== likely) : labels;
  /** @param {string} agreement */
  const choose = (agreement) => {
    const known = agreement === "unsure" && draft.histology === "confirmed"; // who has the result is sure
    onBegin();
    enter({ agreement, label: "", ...(known && { histology: "", result: "" }) });
  };
  /** @param {string} agreement */
  const chooseAt = (agreement) => () => {
    choose(agreement);
    // The fields are there once this has been drawn.
    setTimeout(() => {
      document.querySelector(".labels")?.scrollIntoView({ block: "nearest" });
      focusOn(`[value=${agreement}]`);
    });
  };
  useKeys({
    a: pictured ? chooseAt("agree") : () => toast(say("error_no_picture_to_agree_on")),
    d: chooseAt("disagree"),
    u: chooseAt("unsure"),
    p: () => {
      enter({ picture: !draft.picture });
      focusOn("[name=picture]"); // from there Enter signs
    },
    n: () => focusOn("[name=note]"),
    ...Object.fromEntries(["disagree", "unsure"].includes(draft.agreement) ? others.slice(0, 9).map(({ key }, nth) => [nth + 1, () => enter({ label: key })]) : []),
  });
  /** @param {SubmitEvent} event */
  const sign = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const stays = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value === STAY;
    setBusy(true);
    setError(null);
    try {
      // One review of each doctor follows what was seen, in however many windows it is signed and sent again.
      const review = await post(apiPath`/submissions/${number}/review`, reviewOf(draft, likely), `review-${number}-after-${draft.after || seen}`);
      if (drafts.get(number) === draft) drafts.delete(number); // else it was changed meanwhile
      const before = serverTime() - Date.parse(review.created_at) > JUST_NOW_MS;
      const said = before ? say("signedBefore", { date: sayDate(review.created_at) }) : say("signed");
      if (form.isConnected) onSigned(stays, said);
      else toast(said); // the doctor works at another finding by now
    } catch (problem) {
      const unseen = problem.code === "idempotency_key_reused";
      if (unseen) await onStale();
      if (unseen) enter({ after: "" }); // what was signed meanwhile stands above now
      setError(unseen ? { status: 422, code: "", message: say("reviewedMeanwhile") } : problem);
      setBusy(false);
      if (!form.isConnected) toast(say("notSigned", { number, reason: sayError(problem) }));
    }
  };
  /** Shift and Enter. @param {On<KeyboardEvent>} event */
  const stay = (event) => {
    if (event.key !== "Enter" || !event.shiftKey || /** @type {Element} */ (event.target).matches("textarea")) return;
    event.preventDefault();
    /** @type {HTMLFormElement} */ (event.currentTarget).requestSubmit(/** @type {HTMLElement | null} */ (document.querySelector(`.signing [value=${STAY}]`)));
  };
  const urgencies = [
    ...(pictured ? [{ key: SAME, text: say("urgencyAgreed", { band: labelOfBand(conditions, report.band) }) }] : []),
    ...conditions.bands
      .filter((band) => !pictured || band.key !== report.band)
      .map((band) => ({ key: band.key, text: labelOfBand(conditions, band.key) })),
  ];
  const ownBand = labelsOf(conditions).find(({ key }) => key === likely)?.urgency;
  const agreed = [`${say("agree")}${colon()}${nameOf(conditions, likely)}`, ownBand && labelOfBand(conditions, ownBand)].filter(Boolean).join(", ");
  const named = labelsOf(conditions).find(({ key }) => key === (agreement === "agree" ? likely : draft.label));
  // Beside an urgent finding, a mole's own urgency is an all-clear: it is read before it is signed.
  const ofLabel = named ? say("urgencyOfNamed", { band: labelOfBand(conditions, named.urgency) }) : say("urgencyOfLabel");
  const signs = [
    agreement === "agree" ? `${say("agree")}${colon()}${nameOf(conditions, likely)}` : draft.label ? nameOf(conditions, draft.label) : agreement && say(/** @type {"unsure"} */ (agreement)),
    draft.urgency ? labelOfBand(conditions, draft.urgency === SAME ? report.band : draft.urgency) : named && labelOfBand(conditions, named.urgency),
    draft.histology && sayValue("histology", draft.histology),
    draft.picture && say("newPictureWanted"),
  ];
  const needed = !draft.picture && draft.histology !== "confirmed" && draft.urgency === "";
  return html`
    <form class="card" id="review" onSubmit=${sign} onKeyDown=${stay} aria-label=${say("review")}>
      <h2>${say(asked ? "opinionYours" : "review")}</h2>
      <${Standing} decision=${report.decision} />
      <div class="chips" role="radiogroup" aria-label=${say("agreement")}>
        ${AGREEMENTS.map(
          ([value, key]) => html`<label class="chip"><input type="radio" name="agreement" value=${value} required=${needed}
            disabled=${value === "agree" && !pictured} checked=${agreement === value} onChange=${() => choose(value)} />${value === "agree" ? agreed : say(value)}<kbd aria-hidden="true">${key}</kbd></label>`,
        )}
      </div>
      ${!pictured && html`<p><small>${say("error_no_picture_to_agree_on")}</small></p>`}
      ${["disagree", "unsure"].includes(agreement) &&
      html`<${Labels} labels=${others} value=${draft.label} unsure=${agreement === "unsure"} onLabel=${(/** @type {string} */ label) => enter({ label })} />`}
      <div class="pair"><${Select} name="urgency" title=${say("urgency")} value=${draft.urgency} options=${urgencies} first=${ofLabel}
        onValue=${(/** @type {string} */ urgency) => enter({ urgency })} />
      <${Select} name="histology" title=${say("histology")} value=${draft.histology} first=${say("notSaid")}
        options=${HISTOLOGIES.filter((key) => agreement !== "unsure" || key !== "confirmed").map((key) => ({ key, text: sayValue("histology", key) }))}
        onValue=${(/** @type {string} */ histology) => enter({ histology })} /></div>
      ${draft.histology === "confirmed" &&
      html`<${Select} name="result" title=${say("histologyResult")} value=${draft.result} options=${labels} first=${say("choose")} required
        onValue=${(/** @type {string} */ result) => enter({ result })} />`}
      <label class="tick"><input type="checkbox" name="picture" checked=${draft.picture}
        onChange=${(/** @type {FieldEvent} */ event) => enter({ picture: event.target.checked })} />${say(asked ? "pictureNotGoodOpinion" : "pictureNotGood")}<kbd aria-hidden="true">p</kbd></label>
      <div class="field">
        <label for="review-note">${say("note")}</label>
        <textarea id="review-note" name="note" aria-describedby="review-readers" rows="2" maxlength=${LONGEST_NOTE} value=${draft.note} onKeyDown=${signByKey}
          onInput=${(/** @type {FieldEvent} */ event) => enter({ note: event.target.value })}></textarea>
        <small id="review-readers">${say(asked ? "noteForWhoAsked" : "noteForPatient")}</small>
      </div>
      ${!asked && html`<${Hold} held=${draft.held} onHeld=${(/** @type {string} */ held) => enter({ held })} />`}
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    </form>
    <div class="signing">
      <p aria-live="polite">${signs.filter(Boolean).join(" · ")}</p>
      <button class="primary" form="review" disabled=${busy}>${say(busy ? "sending" : "signNext")}</button>
      <button form="review" value=${STAY} disabled=${busy} aria-keyshortcuts="Shift+Enter">${say("sign")}</button>
    </div>`;
};
