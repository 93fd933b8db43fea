// @ts-check
// What doctors have decided about a finding: it stands before what the model says.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getSession } from "/console/api.js";
import { Icon } from "/console/components.js";
import { colon, isolated, say, sayDate, sayDueDay, today } from "/console/language.js";
import { labelForPatient, labelOfBand } from "/console/views/finding.js";

/** For another photo, of the same spot where it is one. @param {{spot: string | null}} props */
const TakeAnother = ({ spot }) => html`<p><a class="button primary" href=${spot ? `#/check/${spot}` : "#/check"}>${say("otherPhoto")}</a></p>`;

/** Until when a doctor should have seen it, and whether that day has passed. @param {{due?: string | null}} props */
export const Due = ({ due }) =>
  due && html`<p class="due"><strong>${say(due < today() ? "dueOver" : "dueBy", { date: sayDueDay(due) })}</strong></p>`;

/**
 * The colour of what a patient is told: none while it waits for something and asks for no visit.
 * @param {string} band @param {Api["AdviceView"]["waits_for"]} [waits]
 */
export const colourOf = (band, waits) => (waits && ["routine", "self_monitoring"].includes(band) ? "none" : band);

/** As a patient reads it: what is waited for, if anything. @param {Api["ConditionsView"]} conditions @param {string} band @param {Api["AdviceView"]["waits_for"]} [waits] */
export const labelOfAdvice = (conditions, band, waits) => (waits ? say(`waits_${waits}`) : labelForPatient(conditions, band));

/** Who decided, or asked for another photo, and when. @param {Api["DecisionView"]} decision */
export const saySigned = ({ unjudged, decided_by: name, decided_at: at }) => say(unjudged ? "askedBy" : "decidedBy", { name: isolated(name), date: sayDate(at) });

/** @param {string} band @param {Api["AdviceView"]["waits_for"]} [waits] */
const iconOf = (band, waits) => (waits ? (waits === "photo" ? "camera" : "file") : band);

/**
 * The head of a decided finding.
 * @param {{decision: Api["DecisionView"], note?: string | null, conditions: Api["ConditionsView"], doctor: boolean, spot: string | null, title: string}} props
 */
export const Decided = ({ decision, note, conditions, doctor, spot, title }) => {
  const { urgency, urgency_label: label, waits_for: waits } = decision;
  const [heading, ...remarks] = (doctor && decision.for_doctor) || [decision.heading, ...decision.remarks];
  const seen = doctor && waits !== "photo";
  return html`
    <header class="verdict decided band-${seen ? urgency : colourOf(urgency, waits)}">
      <p class="eyebrow">${title}</p>
      <h1><${Icon} name=${seen ? urgency : iconOf(urgency, waits)} size=${32} />${heading}</h1>
      ${remarks.map((/** @type {string} */ remark) => html`<p class="action">${remark}</p>`)}
      ${!doctor && decision.unjudged && html`<p class="action">${say("unjudged")}</p>`}
      ${!doctor && html`<p class="action">${label !== heading && html`<strong>${label}.</strong>`} ${decision.next_step}</p>
        <${Due} due=${decision.due} />`}
      ${note && html`<p class="note">${note}</p>`}
      <p>${saySigned(decision)}</p>
      ${decision.new_picture_wanted && !doctor && html`<${TakeAnother} spot=${spot} />`}
    </header>`;
};

/** @param {{number: number, view: string}} props */
const FindingLink = ({ number, view }) => html`<a href="#/${view}/${number}">${say("title_finding")} ${number}</a>`;

/** What else was said of a spot, with its dates: it counts no more, or is milder. @param {{items: Api["AdviceView"][], view: string}} props */
export const Superseded = ({ items, view }) => items.length > 0 && html`
  <details class="past"><summary>${say("saidBesides")}</summary>
    <ul class="plain">${items.map((one) => html`<li>${saidBy(one)}${colon()}${one.action}${" · "}<${FindingLink} number=${one.finding} view=${view} /></li>`)}</ul>
  </details>`;

/** Who said it, and when. @param {Api["AdviceView"]} one */
export const saidBy = (one) => say(/** @type {WordKey} */ (`saidBy_${one.by_result ? "result" : one.unjudged ? "unjudged" : one.from}`), { date: sayDate(one.since) });

/**
 * The one thing to do about a spot, of all that was said of it. `view` shows a finding, `here` is the one shown.
 * `children` is what was said besides.
 * @param {{instruction: Api["InstructionView"], view: string, here?: Pick<Api["SubmissionView"], "id" | "lesion">, children?: unknown}} props
 */
export const Instruction = ({ instruction, view, here, children }) => html`
  <header class="verdict instruction band-${view === "finding" || instruction.waits_for === "photo" ? colourOf(instruction.band, instruction.waits_for) : instruction.band}">
    <p class="eyebrow">${saidBy(instruction)}${instruction.finding !== here?.id && html`${" · "}<${FindingLink} number=${instruction.finding} view=${view} />`}</p>
    <h2><${Icon} name=${view === "finding" || instruction.waits_for === "photo" ? iconOf(instruction.band, instruction.waits_for) : instruction.band} size=${32} />${instruction.action}</h2>
    ${children}
    <p class="action">${instruction.sentence}</p>
    ${view === "finding" && html`<${Due} due=${instruction.due} />`}
    ${instruction.picture_wanted && view === "finding" && here && html`<${TakeAnother} spot=${here.lesion} />`}
    <${Superseded} items=${instruction.superseded} view=${view} />
  </header>`;

/** The urgency that counts in a list. @param {Pick<Api["ListedFinding"], "band" | "decision">} found */
export const bandOf = (found) => found.decision?.urgency ?? found.band;

/** What the patient waits for, or is waited for. @param {Pick<Api["ListedFinding"], "decision">} found */
export const waitsOf = (found) => found.decision?.waits_for;

/** The same of a spot with findings. @param {Api["LesionView"]} spot */
export const waitsOfSpot = (spot) => (spot.instruction ? spot.instruction.waits_for : spot.latest && waitsOf(/** @type {Api["ListedFinding"]} */ (spot.latest)));

/** The urgency that counts of a spot with findings. @param {Api["LesionView"]} spot */
export const bandOfSpot = (spot) => spot.instruction?.band ?? bandOf(/** @type {Api["ListedFinding"]} */ (spot.latest));

/** What it is by a decision. @param {Api["DecisionView"]} decision */
const sayWhat = ({ title, name, patient_name: own }) => `${title}${colon()}${getSession()?.role === "doctor" ? name : (own ?? name)}`;

/** What was decided, in short. @param {Api["DecisionView"]} decision */
export const sayDecision = (decision) => {
  const { label, histology, new_picture_wanted: wanted } = decision;
  return [(label || !wanted) && sayWhat(decision), wanted && say("newPictureWanted"), histology === "awaited" && say("histology_awaited")].filter(Boolean).join(" · ");
};

/** The decision in a row of a list, beside its urgency. @param {{decision: Api["DecisionView"]}} props */
export const DecisionLine = ({ decision }) =>
  decision && html`<small class="decision">
    ${(decision.label || !decision.waits_for) && html`<strong>${decision.waits_for ? sayWhat(decision) : sayDecision(decision)}</strong>`}
    <span>${saySigned(decision)}</span></small>`;
