// @ts-check
// What doctors have decided about a finding: it stands before what the model says.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon } from "/console/components.js";
import { colon, isolated, say, sayDate } from "/console/language.js";
import { labelOfBand, nameOf } from "/console/views/finding.js";

/** For another photo, of the same spot where it is one. @param {{spot: string | null}} props */
const TakeAnother = ({ spot }) => html`<p><a class="button primary" href=${spot ? `#/check/${spot}` : "#/check"}>${say("takeAnother")}</a></p>`;

/** The head of a decided finding. @param {{decision: Api["DecisionView"], conditions: Api["ConditionsView"], doctor: boolean, spot: string | null, title: string}} props */
export const Decided = ({ decision, conditions, doctor, spot, title }) => {
  const wanted = decision.new_picture_wanted;
  const urgency = doctor ? labelOfBand(conditions, decision.urgency) : decision.urgency_label;
  return html`
    <header class="verdict decided band-${decision.urgency}">
      <p class="eyebrow">${title}</p>
      ${wanted && !doctor && html`<p class="action" role="alert">${decision.remarks[0]}</p><${TakeAnother} spot=${spot} />`}
      <h1><${Icon} name=${decision.urgency} size=${32} />${decision.heading}</h1>
      <p class="action"><strong>${urgency}.</strong> ${!doctor && decision.next_step}</p>
      ${decision.remarks.slice(wanted && !doctor ? 1 : 0).map((/** @type {string} */ remark) => html`<p>${remark}</p>`)}
      <p>${say("decidedBy", { name: isolated(decision.decided_by), date: sayDate(decision.decided_at) })}</p>
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
export const saidBy = (one) => say(/** @type {WordKey} */ (`saidBy_${one.from}`), { date: sayDate(one.since) });

/**
 * The one thing to do about a spot, of all that was said of it. `view` shows a finding, `here` is the one shown.
 * @param {{instruction: Api["InstructionView"], view: string, here?: any}} props
 */
export const Instruction = ({ instruction, view, here }) => html`
  <header class="verdict instruction band-${instruction.band}">
    <p class="eyebrow">${saidBy(instruction)}${instruction.finding !== here?.id && html`${" · "}<${FindingLink} number=${instruction.finding} view=${view} />`}</p>
    <h2><${Icon} name=${instruction.band} size=${32} />${instruction.action}</h2>
    <p class="action">${instruction.sentence}</p>
    ${instruction.picture_wanted && view === "finding" && here && html`<${TakeAnother} spot=${here.lesion} />`}
    <${Superseded} items=${instruction.superseded} view=${view} />
  </header>`;

/** The urgency that counts in a list. @param {Pick<Api["ListedFinding"], "band" | "decision">} found */
export const bandOf = (found) => found.decision?.urgency ?? found.band;

/** The urgency that counts of a spot with findings. @param {Api["LesionView"]} spot */
export const bandOfSpot = (spot) => spot.instruction?.band ?? bandOf(/** @type {Api["ListedFinding"]} */ (spot.latest));

/** What was decided, in short. @param {Api["DecisionView"]} decision @param {Api["ConditionsView"]} conditions */
export const sayDecision = ({ label, certainty, histology, new_picture_wanted: wanted }, conditions) => {
  const name = label ? nameOf(conditions, label) : say("noLabelNamed");
  const said = [
    (label || !wanted) && say(certainty === "unsure" ? "doctorUnsure" : "doctorDecided", { name }),
    wanted && say("newPictureWanted"),
    histology === "awaited" && say("histology_awaited"),
  ];
  return said.filter(Boolean).join(" · ");
};

/** The decision in a row of a list, beside its urgency. @param {{decision: Api["DecisionView"], conditions: Api["ConditionsView"]}} props */
export const DecisionLine = ({ decision, conditions }) =>
  decision && html`<small class="decision">
    <strong>${sayDecision(decision, conditions)}</strong>
    <span>${say("decidedBy", { name: isolated(decision.decided_by), date: sayDate(decision.decided_at) })}</span></small>`;
