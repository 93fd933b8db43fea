// What a doctor has filled into a review, what it comes to, and what is sent of it.

/** Agreement with the label, and with that label's own urgency, which is milder than the finding's. */
export const ENOUGH = "enough";
/** `version` is that of the spot that the doctor saw when this review was begun. */
export const EMPTY = { agreement: "", label: "", urgency: "", sample: "", picture: false, note: "", version: 0 };

/** @typedef {typeof EMPTY} Draft `sample` is `laboratory` where its result is known: it is the label then */
/** What one reviews. @typedef {{report: FindingReport | null, conditions: Api["ConditionsView"], instruction?: Api["InstructionView"] | null}} Reviewing `instruction`: that of the spot; without photos there is no report, and the instruction says how urgent it is */

/** How urgent it is before the review. @param {Reviewing} reviewing */
export const bandUntilNow = ({ report, instruction }) => /** @type {string} */ (report ? report.facts.band : instruction?.band);

/** What a doctor may name, always in this order: what the models name, malignant first, then what none names, in the order of the table. @param {Api["ConditionsView"]} conditions */
export const labelsOf = ({ conditions, review_only: more = [] }) =>
  [...[...conditions].sort((one, other) => Number(other.malignant) - Number(one.malignant)), ...more];

/** The smaller, the more urgent. @param {Api["ConditionsView"]} conditions @param {string} band */
const placeOf = ({ bands }, band) => bands.findIndex(({ key }) => key === band);

/** @param {Api["ConditionsView"]} conditions @param {string} one @param {string} other */
const mostUrgent = (conditions, one, other) => (placeOf(conditions, one) < placeOf(conditions, other) ? one : other);

/** A condition's own. @param {Api["ConditionsView"]} conditions @param {string} label */
const urgencyOf = (conditions, label) => /** @type {string} */ (labelsOf(conditions).find(({ key }) => key === label)?.urgency);

/** The likely condition's own urgency, where it is milder than that with which one agrees by the first key. @param {Reviewing} reviewing */
export function milderOf(reviewing) {
  const own = urgencyOf(reviewing.conditions, reviewing.report?.headline.likely.key ?? "");
  return comesTo({ ...EMPTY, agreement: "agree" }, reviewing).band === own ? null : own;
}

/** Which condition it names, and the urgency it asks for: the chosen one, or that which the form fills in.
 * @param {Draft} draft @param {Reviewing} reviewing */
export function comesTo({ agreement, label, urgency, sample }, reviewing) {
  const [{ report, conditions }, before] = [reviewing, bandUntilNow(reviewing)];
  const agrees = ["agree", ENOUGH].includes(agreement);
  const named = agrees ? report?.headline.likely.key ?? "" : label;
  if (urgency || !named) return { named, band: urgency || before };
  const own = urgencyOf(conditions, named);
  const keeps = sample !== "laboratory" && agreement !== ENOUGH && (agreement !== "disagree" || sample === "waiting");
  return { named, band: keeps ? mostUrgent(conditions, own, before) : own };
}

/** Whether a doctor is to see it sooner than what it names asks for: the patient reads why in the note. @param {Draft} draft @param {Reviewing} reviewing */
export function isRaised(draft, reviewing) {
  const { conditions } = reviewing;
  const { named, band } = comesTo(draft, reviewing);
  const sent = placeOf(conditions, band) <= placeOf(conditions, "doctor_review");
  return Boolean(named) && sent && placeOf(conditions, band) < placeOf(conditions, urgencyOf(conditions, named));
}

/** What is sent. @param {Draft} draft @param {Reviewing} reviewing @param {boolean} confirmed whether the doctor has read what it replaces */
export function reviewOf(draft, reviewing, confirmed) {
  const { agreement, sample, picture, note } = draft;
  const { named, band } = comesTo(draft, reviewing);
  const known = sample === "laboratory";
  return {
    urgency: band,
    label: named || null,
    certainty: named ? (known ? "laboratory" : agreement === "unsure" ? "suspected" : "sure") : null,
    sample: (!known && sample) || null,
    photo_wanted: picture,
    note: note.trim() || null,
    confirm_milder: confirmed,
  };
}
