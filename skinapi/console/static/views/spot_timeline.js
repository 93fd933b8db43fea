// @ts-check
// A spot of a patient, for the doctor in charge: its findings, the newest first.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions } from "/console/api.js";
import { Empty, Load } from "/console/components.js";
import { getLanguage, say } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { FormerConversation, PatientConversation } from "/console/views/conversation.js";
import { Instruction } from "/console/views/decision.js";
import { BackToCase, PatientHead } from "/console/views/patient_head.js";
import { FindingRow } from "/console/views/queue_rows.js";
import { SpotPlace } from "/console/views/spot_place.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/** So many findings are read at once. */
const PAGE = 20;

/** The findings of a spot. @param {{spot: string, conditions: Api["ConditionsView"]}} props */
const SpotTimeline = ({ spot, conditions }) => {
  const pages = usePages(apiPath`/lesions/${spot}/submissions?order=newest&limit=${PAGE}`);
  return html`
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("findingsEmpty")} />`}>
      ${(/** @type {Api["QueuedFinding"][]} */ items) => html`<ul class="list rows">
        ${items.map((found) => html`<${FindingRow} key=${found.id} found=${found} conditions=${conditions} named=${false} />`)}</ul>`}
    <//>`;
};

/** @param {{argument: string, filters: URLSearchParams}} props */
export const View = ({ argument, filters }) => html`
  <${Load} ask=${() => Promise.all([get(apiPath`/lesions/${argument}?lang=${getLanguage()}`), getConditions()])} inputs=${[argument, getLanguage()]}
    gone=${html`<${Empty} title=${say("spotGone")}><p>${say("patientSpotGone")}</p><a class="button" href="#/patients">${say("title_patients")}</a><//>`}>
    ${(/** @type {[Api["LesionView"], Api["ConditionsView"]]} */ [spot, conditions]) => html`
      <${BackToCase} filters=${filters} />
      <h1>${nameOfSpot(spot)}</h1>
      <${PatientHead} spot=${spot} />
      <p>${say("countFindings", { count: spot.findings })}</p>
      ${spot.instruction && html`<div class="finding"><${Instruction} instruction=${spot.instruction} view="case" conditions=${conditions} overdue=${spot.instruction.waits_for === "result" && spot.latest?.awaited?.overdue} /></div>`}
      ${spot.findings > 1 && html`<p><a class="button" href=${addressOf(`#/visits/${spot.id}`, Object.fromEntries(filters))}>${say("sideBySide")}</a></p>`}
      <${SpotPlace} spot=${spot} />
      <${SpotTimeline} spot=${spot.id} conditions=${conditions} />
      <${spot.deleted ? FormerConversation : PatientConversation} spot=${spot.id} />`}
  <//>`;
