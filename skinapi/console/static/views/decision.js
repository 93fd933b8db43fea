// @ts-check
// What doctors have decided about a finding: it stands before what the model says.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon } from "/console/components.js";
import { colon, isolated, say, sayDate } from "/console/language.js";
import { labelOfBand, nameOf } from "/console/views/finding.js";

/** Where the patient is asked for another photo. @param {{decision: any}} props */
const NewPicture = ({ decision }) => html`
  <p class="action" role="alert">${decision.remarks[0]}</p>
  <p><a class="button primary" href="#/check">${say("takeAnother")}</a></p>`;

/** The head of a decided finding. @param {{decision: any, conditions: any, doctor: boolean, title: string, notice: string}} props */
export const Decided = ({ decision, conditions, doctor, title, notice }) => {
  const wanted = decision.new_picture_wanted;
  const urgency = doctor ? labelOfBand(conditions, decision.urgency) : decision.urgency_label;
  return html`
    <header class="verdict decided band-${decision.urgency}">
      <p class="eyebrow">${title}</p>
      ${wanted && !doctor && html`<${NewPicture} decision=${decision} />`}
      <h1><${Icon} name=${decision.urgency} size=${32} />${decision.heading}</h1>
      <p class="action"><strong>${urgency}.</strong> ${!doctor && decision.next_step}</p>
      ${decision.remarks.slice(wanted && !doctor ? 1 : 0).map((/** @type {string} */ remark) => html`<p>${remark}</p>`)}
      <p>${say("decidedBy", { name: isolated(decision.decided_by), date: sayDate(decision.decided_at) })}</p>
      <p class="notice">${notice}</p>
    </header>`;
};

/** What else was said of a spot, with its dates: it counts no more, or is milder. @param {{items: any[], view: string}} props */
export const Superseded = ({ items, view }) => items.length > 0 && html`
  <details><summary>${say("saidBesides")}</summary>
    <ul class="plain">${items.map((one) => html`<li>${saidBy(one)}${colon()}${one.action}${" · "}<a
      href="#/${view}/${one.finding}">${say("title_finding")} ${one.finding}</a></li>`)}</ul>
  </details>`;

/** Who said it, and when. @param {any} one */
const saidBy = (one) => say(/** @type {any} */ (`saidBy_${one.from}`), { date: sayDate(one.since) });

/** The one thing to do about a spot, of all that was said of it. `view` shows a finding. @param {{instruction: any, view: string, notice?: string}} props */
export const Instruction = ({ instruction, view, notice }) => html`
  <header class="verdict instruction band-${instruction.band}">
    <p class="eyebrow">${saidBy(instruction)}</p>
    <h2><${Icon} name=${instruction.band} size=${32} />${instruction.action}</h2>
    <p class="action">${instruction.sentence}</p>
    ${instruction.picture_wanted && view === "finding" && html`<p><a class="button primary" href="#/check">${say("takeAnother")}</a></p>`}
    <${Superseded} items=${instruction.superseded} view=${view} />
    ${notice && html`<p class="notice">${notice}</p>`}
  </header>`;

/** The urgency that counts in a list. @param {any} found */
export const bandOf = (found) => found.decision?.urgency ?? found.band;

/** The urgency that counts of a spot with findings. @param {any} spot */
export const bandOfSpot = (spot) => spot.instruction?.band ?? bandOf(spot.latest);

/** The decision in a row of a list, beside its urgency. @param {{decision: any, conditions: any}} props */
export const DecisionLine = ({ decision, conditions }) => {
  if (!decision) return null;
  const { label, certainty, histology, new_picture_wanted: wanted } = decision;
  const name = label ? nameOf(conditions, label) : say("noLabelNamed");
  const said = [
    (label || !wanted) && say(certainty === "unsure" ? "doctorUnsure" : "doctorDecided", { name }),
    wanted && say("newPictureWanted"),
    histology === "awaited" && say("histology_awaited"),
  ];
  return html`<small class="decision">
    <strong>${said.filter(Boolean).join(" · ")}</strong>
    <span>${say("decidedBy", { name: isolated(decision.decided_by), date: sayDate(decision.decided_at) })}</span></small>`;
};
