// What a doctor has filled into a review, what is sent of it, and what it comes to: which condition, how urgent.

export const SAME = "same";
/** Agreement with the label, and with that label's own urgency, which is milder than the finding's. */
export const ENOUGH = "enough";
/** `after` is the newest review that the doctor saw when this one was begun, `version` that of the finding, `spot` the state of the spot. */
export const EMPTY = { agreement: "", label: "", urgency: "", histology: "", result: "", picture: false, note: "", after: "", version: 0, spot: "" };

/** @typedef {typeof EMPTY} Draft */
/** What one reviews. @typedef {{report: FindingReport, conditions: Api["ConditionsView"], pictured: boolean, counts?: Api["InstructionView"] | null}} Reviewing `counts`: what was said of another photo of the spot, and counts */

/** What a doctor may name, always in this order: what the models name, malignant first, then what none names, in the order of the table. @param {Api["ConditionsView"]} conditions */
export const labelsOf = ({ conditions, review_only: more = [] }) =>
  [...[...conditions].sort((one, other) => Number(other.malignant) - Number(one.malignant)), ...more];

/** The smaller, the more urgent. @param {Api["ConditionsView"]} conditions @param {string} band */
const placeOf = ({ bands }, band) => bands.findIndex(({ key }) => key === band);

/** @param {Api["ConditionsView"]} conditions @param {string} one @param {string} other */
const mostUrgent = (conditions, one, other) => (placeOf(conditions, one) < placeOf(conditions, other) ? one : other);

/** A condition's own. @param {Api["ConditionsView"]} conditions @param {string} label */
const urgencyOf = (conditions, label) => /** @type {string} */ (labelsOf(conditions).find(({ key }) => key === label)?.urgency);

/** Whether it names a cancer. @param {Api["ConditionsView"]} conditions @param {string | null} label */
const isCancer = (conditions, label) => labelsOf(conditions).some(({ key, malignant }) => key === label && malignant);

/** Whether a band counts where it is chosen: what proves a cancer asks for no less than a suspicion. @param {Draft} draft @param {Reviewing} reviewing @param {string} band */
export const isKept = (draft, reviewing, band) => comesTo({ ...draft, urgency: band }, reviewing).band === band;

/** Whether a band may stand beside the wish for another photo. @param {Reviewing} reviewing @param {string} band */
export const keepsUrgency = ({ report, conditions }, band) => placeOf(conditions, band) <= placeOf(conditions, report.facts.band);

/** The likely condition's own urgency, where it is milder than that with which one agrees by the first key. @param {Reviewing} reviewing */
export function milderOf(reviewing) {
  const likely = reviewing.report.headline.likely.key;
  const own = urgencyOf(reviewing.conditions, likely);
  return comesTo({ ...EMPTY, agreement: "agree" }, reviewing).band === own ? null : own;
}

/** Which condition it names, and the urgency it asks for, as the server will find it ("Urgency" in docs/reviews.md).
 * @param {Draft} draft @param {Reviewing} reviewing */
export function comesTo({ agreement, label, urgency, histology, result, picture }, { report, conditions }) {
  const stated = report.headline.likely;
  const agrees = ["agree", ENOUGH].includes(agreement);
  const known = histology === "confirmed";
  const named = known ? result : picture ? "" : agrees ? stated.key : label;
  const own = named && urgencyOf(conditions, named);
  const malignant = isCancer(conditions, named);
  if (urgency) {
    const said = urgency === SAME ? report.facts.band : urgency;
    const proves = known && malignant && !(report.decision?.histology === "confirmed" && isCancer(conditions, report.decision.label));
    return { named, band: proves ? mostUrgent(conditions, own, said) : said };
  }
  if (!named) return { named, band: report.facts.band };
  if (known) return { named, band: malignant && named === stated.key ? mostUrgent(conditions, own, report.facts.band) : own };
  if (agreement === ENOUGH) return { named, band: own };
  const least = agreement === "unsure" && report.decision ? mostUrgent(conditions, own, report.decision.urgency) : own;
  return { named, band: agreement === "unsure" || histology === "awaited" || agrees ? mostUrgent(conditions, least, report.facts.band) : own };
}

/** What can be wrong in a finding that somebody agrees with: it says so itself, or the model was not tested for this skin tone.
 * @param {Reviewing} reviewing */
const isInDoubt = ({ report: { facts } }) => facts.uncertain || facts.untested_skin?.length > 0;

/** The urgency that counts before it is signed: of the spot, where another photo of it asks for more. @param {Reviewing} reviewing */
export function bandBefore({ report, conditions, counts }) {
  const own = report.decision?.urgency ?? report.facts.band;
  return counts && !counts.waits_for ? mostUrgent(conditions, counts.band, own) : own;
}

/** About what one should be asked once more: the urgency falls to watching what the checklist would refer, or by two bands or more;
 * where one agrees with a finding in doubt, by one. With any other, who agrees by the first key is not asked, nor who answers by a milder urgency that
 * the check wanted a doctor to look.
 * @param {Draft} draft @param {Reviewing} reviewing @returns {("checklist" | "falls")[]} */
export function doubtsOf(draft, reviewing) {
  const { report, conditions } = reviewing;
  const { band } = comesTo(draft, reviewing);
  const agrees = draft.histology !== "confirmed" && ["agree", ENOUGH].includes(draft.agreement);
  const doubted = agrees && isInDoubt(reviewing);
  const before = placeOf(conditions, bandBefore(reviewing));
  const ends = before < placeOf(conditions, report.facts.band); // something graver, of another photo
  if (agrees && (draft.agreement !== ENOUGH || report.facts.band === "doctor_review") && !draft.urgency && !doubted && !ends) return [];
  const refers = (report.facts.checklist_score ?? 0) >= conditions.checklist.threshold && band === "self_monitoring";
  return [...(refers ? [/** @type {const} */ ("checklist")] : []), ...(placeOf(conditions, band) - before >= (doubted ? 1 : 2) ? [/** @type {const} */ ("falls")] : [])];
}

/** Whether a doctor is to see it sooner than what it names asks for: the patient reads why in the note. @param {Draft} draft @param {Reviewing} reviewing */
export function isRaised(draft, reviewing) {
  const { conditions } = reviewing;
  const { named, band } = comesTo(draft, reviewing);
  const sent = placeOf(conditions, band) <= placeOf(conditions, "doctor_review");
  return Boolean(named) && sent && placeOf(conditions, band) < placeOf(conditions, urgencyOf(conditions, named));
}

/** What is sent. @param {Draft} draft @param {Reviewing} reviewing @param {boolean} asked whether the doctor was asked once more */
export function reviewOf(draft, reviewing, asked) {
  const { agreement, label, urgency, histology, result, picture, note } = draft;
  const known = histology === "confirmed";
  const agrees = !known && !picture && ["agree", ENOUGH].includes(agreement);
  const said = agreement && !picture ? agreement !== "unsure" : urgency !== "";
  const { band } = comesTo(draft, reviewing);
  const kept = urgency === SAME || (agrees && !urgency && agreement !== ENOUGH && reviewing.pictured && band === reviewing.report.facts.band);
  return {
    ...((!picture || said) && { certainty: known || said ? "sure" : "unsure" }),
    agrees_with_label: agrees || null,
    label: known || picture || agrees ? null : label || null,
    agrees_with_urgency: kept || null,
    urgency: kept ? null : urgency || (agreement === ENOUGH && agrees ? band : null),
    histology: histology || null,
    histology_result: known ? result : null,
    new_picture_wanted: picture,
    note: note.trim() || null,
    ...(asked && { downgrade_confirmed: true }),
  };
}
