// The patients in a doctor's care, all findings of one of them, and a spot over time.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions } from "/console/api.js";
import { BandBadge, Empty, Icon, Load } from "/console/components.js";
import { getLanguage, isolated, say, sayAge, sayDate, sayNumber, sayShortDay, today } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { addressOf } from "/console/navigation.js";
import { countUnread, useWaiting } from "/console/waiting.js";
import { Search } from "/console/views/account_actions.js";
import { BackToCase, PatientHead } from "/console/views/compare_photos.js";
import { FormerConversation, PatientConversation, placeOfConversation } from "/console/views/conversation.js";
import { Instruction, Overdue } from "/console/views/decision.js";
import { labelOfBand } from "/console/views/finding.js";
import { FindingPages, FindingRow } from "/console/views/queue_rows.js";
import { nameOfSpot, SpotPlace, SpotPoints } from "/console/views/spot_points.js";

/** Of a patient who has left. @param {string} until */
const sayRecord = (until) => say("onlyRecord", { until: sayDate(until, false) });

/** Since when a result or a photo is waited for. @param {Api["AwaitedView"]} awaited */
const sayAwaited = ({ what, since, overdue }) => {
  const said = `${say(`awaited_${what}`)} · ${say("awaitedSince", { date: sayDate(since, false) })}`;
  return overdue ? html`<${Overdue} text=${`${said} · ${say("overdue")}`} />` : said;
};

/** @param {{patient: Api["PatientInCare"], conditions: Api["ConditionsView"]}} props */
const PatientRow = ({ patient, conditions }) => {
  const messages = useWaiting().messages.filter((one) => one.patient === patient._id);
  return html`
  <li>
    <div class="grow">
      <a href="#/patients/${patient._id}">${isolated(patient.name)}</a>
      <small>${patient.record_kept_until ? sayRecord(patient.record_kept_until) : isolated(patient.email)}</small>
    </div>
    ${messages.length > 0 && html`<a class="button quiet" href=${`#/${placeOfConversation(messages[0])}`}><${Icon} name="message" size=${16} />
      ${say("messagesUnread", { count: sayNumber(countUnread(messages)) })}</a>`}
    ${patient.waiting_band
      ? html`<span class="row">
          <small>${say("waitingSince", { age: sayAge(/** @type {string} */ (patient.waiting_since)) })}</small>
          <${BandBadge} band=${patient.waiting_band} label=${labelOfBand(conditions, patient.waiting_band)} />
          <a class="button" href="#/case/${patient.waiting_submission}"
            aria-label=${`${say("review")} · ${isolated(patient.name)}`}>${say("review")}</a></span>`
      : !patient.awaited && !patient.due && html`<small>${say("nothingWaits")}</small>`}
    ${patient.due && html`<small>${patient.due < today()
      ? html`<${Overdue} text=${say("visitWasDue", { date: sayShortDay(patient.due) })} />`
      : say("visitDue", { date: sayShortDay(patient.due) })}</small>`}
    ${patient.awaited && html`<a href=${`#/case/${patient.awaited.submission}?list=${patient.awaited.what}`}>
      <small>${sayAwaited(patient.awaited)}</small></a>`}
    <a class="button quiet" href="#/patients/${patient._id}" aria-label=${`${say("allFindings")} · ${isolated(patient.name)}`}>
      ${say("allFindings")}<${Icon} name="next" size=${16} /></a>
  </li>`;
};

const Patients = () => {
  const [text, setText] = useState("");
  const pages = usePages(text ? `/patients?${new URLSearchParams({ q: text })}` : "/patients");
  const none = text ? html`<${Empty} title=${say("searchEmpty")} />` : html`<${Empty} title=${say("patientsEmpty")}><p>${say("patientsEmptyText")}</p><//>`;
  return html`
    <h1>${say("title_patients")}</h1>
    <${Search} onSearch=${setText} />
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`
        <${Pages} pages=${pages} empty=${none}>
          ${(/** @type {Api["PatientInCare"][]} */ items) => html`<ul class="list">
            ${items.map((patient) => html`<${PatientRow} key=${patient._id} patient=${patient} conditions=${table} />`)}</ul>`}
        <//>`}
    <//>`;
};

/** Nothing where the patient follows no spot. @param {{patient: string}} props */
const PatientSpots = ({ patient }) => html`
  <${Load} ask=${() => Promise.all([getAll(apiPath`/patients/${patient}/lesions?limit=200`), getConditions()])} inputs=${[patient]}>
    ${(/** @type {[Api["LesionView"][], Api["ConditionsView"]]} */ [spots, conditions]) =>
      spots.length > 0 && html`<section><h2>${say("spots")}</h2><${SpotPoints} spots=${spots} conditions=${conditions} view="course" /></section>`}
  <//>`;

/** @param {{patient: string}} props */
const OfOne = ({ patient }) => html`
  <p><a href="#/patients"><${Icon} name="back" size=${16} />${say("title_patients")}</a></p>
  <${FindingPages} path=${apiPath`/patients/${patient}/submissions?limit=20`}
    empty=${html`<${Empty} title=${say("findingsEmpty")}><p>${say("findingsEmptyText")}</p><//>`}
    head=${(/** @type {Api["QueuedFinding"] | undefined} */ first) => html`<h1>${first ? isolated(first.patient_name) : say("allFindings")}</h1>
      ${first && html`<p>${first.record_kept_until ? html`<strong>${sayRecord(first.record_kept_until)}</strong>` : isolated(first.patient_email)}</p>`}
      <${PatientSpots} patient=${patient} />`} />`;

/** @param {{argument: string}} props */
const PatientsPage = ({ argument }) => (argument ? html`<${OfOne} patient=${argument} />` : html`<${Patients} />`);

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
const Course = ({ argument, filters }) => html`
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

export const VIEWS = { patients: PatientsPage, course: Course };
