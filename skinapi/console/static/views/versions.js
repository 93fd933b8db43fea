// A finding whose photo was judged again: why, what comes of it, and what was answered before.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { said, say, sayDate } from "/console/language.js";
import { labelForPatient, labelOfBand } from "/console/views/finding.js";
import { sayCorrected } from "/console/views/told_facts.js";

/** Why the photo of a finding was judged again, and whether that made it more urgent.
 * @param {{finding: Api["FindingView"]}} props */
export const JudgedAgain = ({ finding }) => {
  const { judged_at: at, corrected = [], more_urgent: risen, instruction } = finding;
  if (!at) return null;
  const urgent = risen && !instruction?.why && instruction?.from !== "review";
  return html`
    <${Message} kind=${urgent ? "bad" : "info"}>
      <p>${urgent && html`<strong>${say("becameUrgent")}</strong> `}${say(corrected.length > 0 ? "correctedOf" : "againOf", { date: sayDate(at), facts: sayCorrected(corrected) })}</p>
    <//>`;
};

/** The answers that were given before, the newest first. @param {{finding: Api["FindingView"], conditions: Api["ConditionsView"], doctor?: boolean}} props */
export const EarlierAnswers = ({ finding: { versions = [] }, conditions, doctor = false }) => {
  const label = doctor ? labelOfBand : labelForPatient;
  return versions.length > 0 && html`
    <details class="card earlier"><summary>${say("earlierAnswers")}</summary>
      <p>${say("earlierAnswersText")}</p>
      <ol class="plain">${[...versions].reverse().map(({ version, judged_at, judged_by, corrected, headline, band }) => html`
        <li key=${version}><p><strong>${sayDate(judged_at)}</strong>${corrected.length > 0 && ` · ${say(`correctedBy_${judged_by === "patient" && !doctor ? "you" : judged_by}`, { facts: sayCorrected(corrected) })}`}</p>
          <p>${said(doctor ? headline.doctor : headline.patient)}</p><p><small>${label(conditions, band)}</small></p></li>`)}</ol>
    </details>`;
};
