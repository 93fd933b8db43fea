// What doctors have decided about a finding: it stands before what the model says.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getSession } from "/console/api.js";
import { Icon } from "/console/components.js";
import { colon, isolated, said, say, sayDate, sayDueDay, sayShortDay, today } from "/console/language.js";
import { labelForPatient, labelOfBand, nameOf } from "/console/views/finding.js";

/** For another photo, of the same spot. @param {{of: {lesion: string}}} props */
const TakeAnother = ({ of }) => html`<p><a class="button primary" href="#/check/${of.lesion}">${say("otherPhoto")}</a></p>`;

/** Until when a doctor should have seen it, and whether that day has passed. @param {{due?: string | null}} props */
export const Due = ({ due }) =>
  due && html`<p class="due"><strong>${say(due < today() ? "dueOver" : "dueBy", { date: sayDueDay(due) })}</strong></p>`;

/** The same for a doctor; whether the patient knows is said beside it. @param {{due?: string | null}} props */
export const DoctorsDue = ({ due }) => {
  if (!due) return null;
  const seen = say("seenDue", { date: sayShortDay(due) });
  return html`<p class="due">${due < today() ? html`<${Overdue} text=${`${seen} ${say("duePassed")}`} />` : seen}</p>`;
};

/** What has waited for too long: red, with a shape. @param {{text: string}} props */
export const Overdue = ({ text }) => html`<span class="overdue"><${Icon} name="urgent_referral" size=${14} />${text}</span>`;

/** The colour of what a patient is told: none while it waits for something and asks for no visit.
 * @param {string} band @param {Api["InstructionView"]["waits_for"]} [waits] */
export const colourOf = (band, waits) => (waits && ["routine", "self_monitoring"].includes(band) ? "none" : band);

/** As a patient reads it: what is waited for, if anything. @param {Api["ConditionsView"]} conditions @param {string} band @param {Api["InstructionView"]["waits_for"]} [waits] */
export const labelOfAdvice = (conditions, band, waits) => (waits ? say(`waits_${waits}`) : labelForPatient(conditions, band));

/** Who decided, or asked for another photo, and when. @param {Api["DecisionView"]} decision */
export const saySigned = ({ title_key: key, decided_by: name, decided_at: at }) => say(key === "asked" ? "askedBy" : "reviewedBy", { name: isolated(name), date: sayDate(at) });

/** @param {string} band @param {Api["InstructionView"]["waits_for"]} [waits] */
const iconOf = (band, waits) => (waits ? (waits === "photo" ? "camera" : "file") : band);

/** Who signed, and what has changed the spot since. @param {Api["DecisionView"]} decision */
const saySignature = (decision) => [saySigned(decision), decision.signed_before].filter(Boolean).join(" · ");

/** The current review of a spot that asks for something else now: that stands above. @param {{decision: Api["DecisionView"], note?: string | null | false, doctor?: boolean}} props */
export const PastDecision = ({ decision, note, doctor = false }) => {
  const [heading, ...remarks] = (doctor && decision.for_doctor) || [decision.heading, ...(decision.sample === "waiting" ? [say("waits_result")] : [])];
  return html`
    <section class="card past">
      <h2>${heading}</h2>
      ${remarks.length > 0 && html`<p>${remarks.join(" · ")}</p>`}
      <p><small>${saySignature(decision)}</small></p>
      ${note && html`<p class="note">${note}</p>`}
    </section>`;
};

/** The head of a decided finding.
 * @param {{decision: Api["DecisionView"], note?: string | null, doctor: boolean, here: {id: number, lesion: string}, title: string}} props */
export const Decided = ({ decision, note, doctor, here, title }) => {
  const { urgency, urgency_label: label, waits_for: waits } = decision;
  const [heading, ...remarks] = (doctor && decision.for_doctor) || [decision.heading, ...decision.remarks];
  const seen = doctor && waits !== "photo";
  return html`
    <header class="verdict decided band-${seen ? urgency : colourOf(urgency, waits)}">
      ${!doctor && html`<p class="eyebrow">${title}</p>`}
      <h1><${Icon} name=${seen ? urgency : iconOf(urgency, waits)} size=${32} />${doctor ? heading : label}</h1>
      ${!doctor && html`<${Due} due=${decision.due} /><p class="action">${decision.next_step}</p>`}
      ${!doctor && label !== heading && html`<p class="action"><strong>${heading}</strong></p>`}
      ${remarks.map((/** @type {string} */ remark) => html`<p class="action">${remark}</p>`)}
      ${!doctor && decision.unjudged && !decision.signed_before && html`<p class="action">${say("unjudged")}</p>`}
      ${doctor && html`<${DoctorsDue} due=${decision.due} />`}
      <p>${saySignature(decision)}</p>
      ${note && html`<p class="note">${note}</p>`}
      ${decision.photo_wanted && !doctor && html`<${TakeAnother} of=${here} />`}
    </header>`;
};

/** In place of a deleted photo. @param {Api["DeletedFinding"]} deleted */
export const sayRemoved = ({ created_at: at }) => say("removedPhotoOf", { date: sayDate(at, false) });

/** @param {{said: Api["InstructionView"], view: string}} props */
const FindingLink = ({ said: { finding: number, photo_deleted: deleted }, view }) => (deleted ? say("deletedPhoto")
  : html`<a href="#/${view}/${number}">${say("title_finding")} ${number}</a>`);

/** Who said it, how certain, and when. @param {Pick<Api["InstructionView"], "from" | "since"> & Partial<Api["InstructionView"]>} one */
export const saidBy = (one) => {
  const by = one.voided ? "voided" : one.by_result ? "result" : one.suspected ? "suspected" : one.certain === false && one.waits_for !== "photo" ? "opinion" : one.from;
  return say(/** @type {WordKey} */ (`saidBy_${by}`), { date: sayDate(one.since, false) });
};

/** A doctor reads of which finding it was said, and what was named. @param {{said: Api["InstructionView"], here?: string, conditions: Api["ConditionsView"]}} props */
const SaidOf = ({ said, here, conditions }) =>
  html`${saidBy(said)}${String(said.finding) !== String(here) && html` (<${FindingLink} said=${said} view="case" />)`}${said.label && html`${colon()}<strong>${nameOf(conditions, said.label)}</strong>`}`;

/** The one thing to do about a spot, of all that was said of it. `view` shows a finding, `here` is the one shown.
 * `children` is what was said besides.
 * @param {{instruction: Api["InstructionView"], view: string, conditions: Api["ConditionsView"], here?: Pick<Api["FindingView"], "id" | "lesion"> & {no_access?: boolean}, overdue?: boolean, children?: unknown}} props */
export const Instruction = ({ instruction, view, conditions, here, overdue = false, children }) => html`
  <header class="verdict instruction band-${view === "finding" || instruction.waits_for === "photo" ? colourOf(instruction.band, instruction.waits_for) : instruction.band}">
    <p class="eyebrow">${view === "case"
      ? html`<${SaidOf} said=${instruction} here=${here?.id} conditions=${conditions} />`
      : html`${saidBy(instruction)}${instruction.finding !== here?.id && html`${" · "}<${FindingLink} said=${instruction} view=${view} />`}`}</p>
    <h2><${Icon} name=${view === "finding" || instruction.waits_for === "photo" ? iconOf(instruction.band, instruction.waits_for) : instruction.band} size=${32} />${instruction.action}</h2>
    ${view === "finding" ? html`<${Due} due=${instruction.due} />` : html`<${DoctorsDue} due=${instruction.due} />${children}`}
    ${view === "finding" || instruction.photo_wanted
      ? html`<p class="action">${instruction.sentence}</p>`
      : html`<details class="guideline"><summary>${say("whatToDo")}</summary><p class="action">${instruction.sentence}</p></details>`}
    ${view === "finding" && children}
    ${instruction.why && html`<p>${instruction.why}</p>`}
    ${overdue && html`<p><${Overdue} text=${say("awaitedOverdue", { date: sayDate(instruction.since, false) })} /></p>`}
    ${instruction.photo_wanted && view === "finding" && here && html`<${TakeAnother} of=${here} />`}
  </header>`;

/** How urgent a finding is, and what has set that. `urgency` and `label` are of a spot that asks for something else. @param {{level: Api["LevelView"], size?: number, urgency?: Api["LevelView"]["urgency"], label?: string}} props */
export const UrgencySign = ({ level, size, urgency = level.urgency, label = `${said(level.words)} · ${saidBy(level)}` }) =>
  html`<span class=${`sign-of band-${urgency}`} title=${label}><${Icon} name=${urgency} size=${size} /><span class="hidden">${label}</span></span>`;

/** What it is by a decision, in the reader's language and words. @param {Api["DecisionView"]} decision @param {Api["ConditionsView"]} conditions */
const sayWhat = (decision, conditions) => {
  const { titles: words, names } = conditions.notices;
  const { label, title_key: key } = decision;
  if (key === "asked") return said(words.asked).replace("{doctor}", decision.decided_by);
  const own = label && getSession()?.role !== "doctor" && names[label]?.patient;
  return `${said(words[key])}${colon()}${own ? said(own) : label ? nameOf(conditions, label) : said(words.unnamed)}`;
};

/** What was decided, in short. @param {Api["DecisionView"]} decision @param {Api["ConditionsView"]} conditions */
export const sayDecision = (decision, conditions) => {
  const { label, sample, photo_wanted: wanted } = decision;
  return [(label || !wanted) && sayWhat(decision, conditions), wanted && say("newPictureWanted"), sample === "waiting" && say("sample_waiting")].filter(Boolean).join(" · ");
};

/** What has set the instruction of a spot, and what was named. @param {{counts: Api["InstructionView"], conditions: Api["ConditionsView"]}} props */
export const AdviceLine = ({ counts, conditions }) => {
  const own = counts.label && getSession()?.role !== "doctor" && conditions.notices.names[counts.label]?.patient;
  const name = counts.label && (own ? said(own) : nameOf(conditions, counts.label));
  return html`<small class="decision"><strong>${saidBy(counts)}${name && `${colon()}${name}`}</strong>${counts.why && html` ${counts.why}`}</small>`;
};

/** The decision beside its urgency. @param {{decision: Api["DecisionView"], conditions: Api["ConditionsView"]}} props */
export const DecisionLine = ({ decision, conditions }) => html`<small class="decision">
    ${(decision.label || !decision.waits_for) && html`<strong>${decision.waits_for ? sayWhat(decision, conditions) : sayDecision(decision, conditions)}</strong>`}</small>`;
