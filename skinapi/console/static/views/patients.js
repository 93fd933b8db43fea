// The patients in a doctor's care, all findings of one of them, and a spot over time.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions } from "/console/api.js";
import { BandBadge, Empty, Icon, Load, PhoneLink, toast, useAnswer } from "/console/components.js";
import { getLanguage, isolated, say, sayAge, sayDate, sayNumber, sayShortDay } from "/console/language.js";
import { Pages, Table, usePages } from "/console/lists.js";
import { addressOf, goTo } from "/console/navigation.js";
import { askWhatWaits, countUnread, useWaiting } from "/console/waiting.js";
import { NO_ADDRESS, Search } from "/console/views/account_actions.js";
import { TakePatient } from "/console/views/case.js";
import { BackToCase, PatientHead } from "/console/views/compare_photos.js";
import { FormerConversation, PatientConversation, placeOfConversation } from "/console/views/conversation.js";
import { Instruction, Overdue, PastDecision } from "/console/views/decision.js";
import { getFinding, labelOfBand } from "/console/views/finding.js";
import { getPatient, placeOfPatientPhoto } from "/console/views/new_finding.js";
import { FindingPages, FindingRow } from "/console/views/queue_rows.js";
import { ReviewForm } from "/console/views/review_form.js";
import { nameOfSpot, SpotPlace, SpotPoints } from "/console/views/spot_points.js";

/** @param {string | null | undefined} date */
const sayNoAccess = (date) => (date ? say("patientClosed", { date: sayDate(date, false) }) : say("noAccess"));

/** Nothing reaches a patient without an address. @param {string | null} [email] */
const sayEmail = (email) => (!email || email.endsWith(NO_ADDRESS) ? "" : isolated(email));

/** What waits for the doctor: a finding to review, and messages. @param {{patient: Api["PatientInCare"], conditions: Api["ConditionsView"]}} props */
const ForDoctor = ({ patient: { _id, waiting_band: band, waiting_since: since, waiting_submission: number }, conditions }) => {
  const messages = useWaiting().messages.filter((one) => one.patient === _id);
  return html`
    ${band && html`<a href=${number ? `#/case/${number}` : `#/patients/${_id}`}><${BandBadge} band=${band} label=${labelOfBand(conditions, band)} /></a> <small>${sayAge(/** @type {string} */ (since))}</small>`}
    ${messages.length > 0 && html` <a href=${`#/${placeOfConversation(messages[0])}`}><${Icon} name="message" size=${16} /> ${say("messages")} ${sayNumber(countUnread(messages))}</a>`}`;
};

/** What else the spots wait for: what a doctor has to review or to answer is said before. @param {{patient: Api["PatientInCare"]}} props */
const AlsoWaiting = ({ patient: { waiting } }) =>
  waiting.filter(({ kind }) => kind !== "review" && kind !== "answer").map(({ kind, since, due_at: due, overdue }, at) => {
    const lastDay = new Date(Date.parse(due) - 1).toISOString().slice(0, 10); // a visit is overdue from the midnight after its day
    const said = `${say(`waiting_${kind}`)} ${kind === "visit" ? say("toldBy", { date: sayShortDay(lastDay) }) : say("awaitedSince", { date: sayShortDay(since) })}`;
    return html`${at > 0 && " · "}<a href=${`#/queue?list=${kind}`}>${overdue ? html`<${Overdue} text=${said} />` : said}</a>`;
  });

/** @param {Api["ConditionsView"]} conditions @returns {Column<Api["PatientInCare"]>[]} */
const columnsOf = (conditions) => [
  [say("title_patients"), (one) => html`<a href="#/patients/${one._id}">${isolated(one.name)}</a>`],
  [say("waitsForYou"), (one) => html`<span><${ForDoctor} patient=${one} conditions=${conditions} /></span>`],
  [say("waitedFor"), (one) => html`<span><${AlsoWaiting} patient=${one} /></span>`],
  [say("email"), (one) => html`<span class="address">${sayEmail(one.email)} ${one.phone && html`<${PhoneLink} number=${one.phone} />`} ${one.inactive && html`<small>${sayNoAccess(one.erase_at)}</small>`}</span>`],
];

const Patients = () => {
  const [text, setText] = useState("");
  const pages = usePages(text ? `/patients?${new URLSearchParams({ q: text })}` : "/patients");
  const none = text ? html`<${Empty} title=${say("searchEmpty")} />` : html`<${Empty} title=${say("patientsEmpty")}><p>${say("patientsEmptyText")}</p><//>`;
  return html`
    <h1>${say("title_patients")}</h1>
    <${Search} onSearch=${setText} />
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ conditions) => html`
        <${Pages} pages=${pages} empty=${none}>
          ${(/** @type {Api["PatientInCare"][]} */ items) => html`<div class="patients"><${Table} title=${say("title_patients")} columns=${columnsOf(conditions)} rows=${items} /></div>`}
        <//>`}
    <//>`;
};

/** Nothing where the patient follows no spot. @param {{patient: string}} props */
const PatientSpots = ({ patient }) => html`
  <${Load} ask=${() => Promise.all([getAll(apiPath`/patients/${patient}/lesions?limit=200&lang=${getLanguage()}`), getConditions()])} inputs=${[patient, getLanguage()]}>
    ${(/** @type {[Api["LesionView"][], Api["ConditionsView"]]} */ [spots, conditions]) =>
      spots.length > 0 && html`<section><h2>${say("spots")}</h2><${SpotPoints} spots=${spots} conditions=${conditions} view="course" /></section>`}
  <//>`;

/** A patient who is not in the doctor's care, and can be taken from the list of those without a doctor. @param {{patient: string, onTaken: () => void}} props */
const NotInCare = ({ patient, onTaken }) => html`
  <${Load} ask=${() => getAll("/queue?unassigned=true&limit=1000")} inputs=${[patient]}>
    ${(/** @type {Api["WaitingRow"][]} */ rows) => {
      const row = rows.find((one) => one.patient_id === patient);
      return row ? html`<h1>${isolated(row.patient_name)}</h1><${TakePatient} patient=${patient} onTaken=${onTaken} />` : html`<${Empty} title=${say("notYourPatient")} />`;
    }}
  <//>`;

/** `wanted`: one has come for the messages. @param {{patient: string, wanted: boolean}} props */
const OfOne = ({ patient, wanted }) => {
  const [taken, setTaken] = useState(0);
  const onTaken = () => {
    setTaken(taken + 1);
    askWhatWaits().catch(() => {});
  };
  return html`
    <p><a href="#/patients"><${Icon} name="back" size=${16} />${say("title_patients")}</a></p>
    <${Load} ask=${() => getPatient(patient)} inputs=${[patient, taken]} gone=${html`<${NotInCare} patient=${patient} onTaken=${onTaken} />`}>
      ${(/** @type {{name: string}} */ { name }) => html`
        <h1>${isolated(name)}</h1>
        <${FindingPages} path=${apiPath`/patients/${patient}/submissions?limit=20`}
          empty=${html`<${Empty} title=${say("findingsEmpty")}><p>${say("findingsEmptyText")}</p><//>`}
          head=${(/** @type {Api["QueuedFinding"] | undefined} */ first) => html`
            ${!first?.inactive && html`<p><a class="button" href=${`#/${placeOfPatientPhoto(patient)}`}><${Icon} name="camera" />${say("newPhotoOfPatient")}</a></p>`}
            ${first && html`<p>${sayEmail(first.patient_email ?? "")} ${first.patient_phone && html`<${PhoneLink} number=${first.patient_phone} />`} ${first.inactive && html`<strong>${sayNoAccess(first.erase_at)}</strong>`}</p>`}`}
          foot=${(/** @type {Api["QueuedFinding"] | undefined} */ first) => (first?.inactive
            ? html`<${FormerConversation} patient=${patient} closed="error_patient_cannot_read" />` : html`<${PatientConversation} patient=${patient} wanted=${wanted} />`)} />
        <${PatientSpots} patient=${patient} />`}
    <//>`;
};

/** @param {{argument: string, filters: URLSearchParams}} props */
const PatientsPage = ({ argument, filters }) => (argument ? html`<${OfOne} patient=${argument} wanted=${filters.get("at") === "messages"} />` : html`<${Patients} />`);

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

/** The messages about a spot, or the button to take its patient, if they have no doctor. @param {{spot: Api["LesionView"]}} props */
const MessagesOfSpot = ({ spot: { id, latest } }) => {
  const { value, reload } = useAnswer(async () => (latest ? getFinding(String(latest.id)) : null), [latest?.id]);
  if (value?.unassigned) return html`<${TakePatient} patient=${value.patient_id} onTaken=${reload} />`;
  return value !== undefined && html`<${PatientConversation} spot=${id} />`;
};

/** The review of a spot whose photos were all deleted, by the doctor in charge, while it waits for one. @param {{spot: Api["LesionView"], conditions: Api["ConditionsView"], onChanged: () => void}} props */
const ReviewOfSpot = ({ spot, conditions, onChanged }) => {
  const { id, deleted, instruction } = spot;
  const { value } = useAnswer(async () => {
    const rows = deleted ? /** @type {Api["WaitingRow"][]} */ (await getAll("/waiting?kind=review&limit=200")) : [];
    return rows.find((row) => row.lesion === id);
  }, [spot]);
  if (!deleted || !value) return null;
  const [number, name] = [String(deleted.number), isolated(value.patient_name)];
  const onSigned = (/** @type {boolean} */ stays, /** @type {string} */ said) => {
    toast(say("signedOf", { said, number, name }));
    if (stays) onChanged();
    else goTo("queue");
  };
  return html`
    <section class="spot-review">
      <p class="patient"><strong>${name}</strong></p>
      <${ReviewForm} number=${number} path=${apiPath`/lesions/${id}/reviews`} report=${null} conditions=${conditions} instruction=${instruction} version=${value.spot_version}
        left=${Boolean(value.erase_at)} onBegin=${() => {}} onSigned=${onSigned} onStale=${async () => onChanged()} onGone=${onChanged} />
    </section>`;
};

const Course = (/** @type {{argument: string, filters: URLSearchParams}} */ { argument, filters }) => html`
  <${Load} ask=${() => Promise.all([get(apiPath`/lesions/${argument}?lang=${getLanguage()}`), getConditions()])} inputs=${[argument, getLanguage()]}
    gone=${html`<${Empty} title=${say("spotGone")}><p>${say("patientSpotGone")}</p><a class="button" href="#/patients">${say("title_patients")}</a><//>`}>
    ${(/** @type {[Api["LesionView"], Api["ConditionsView"]]} */ [spot, conditions], /** @type {() => void} */ reload) => html`
      <${BackToCase} filters=${filters} />
      <h1>${nameOfSpot(spot)}</h1>
      <${PatientHead} spot=${spot} />
      ${spot.instruction && html`<div class="finding"><${Instruction} instruction=${spot.instruction} view="case" conditions=${conditions} /></div>`}
      ${spot.deleted && spot.decision && html`<${PastDecision} decision=${spot.decision} note=${spot.review?.note} doctor />`}
      <${ReviewOfSpot} spot=${spot} conditions=${conditions} onChanged=${reload} />
      ${spot.findings > 1 && html`<p><a class="button" href=${addressOf(`#/visits/${spot.id}`, Object.fromEntries(filters))}>${say("sideBySide")}</a></p>`}
      <${SpotPlace} spot=${spot} />
      <${SpotTimeline} spot=${spot.id} conditions=${conditions} />
      <${MessagesOfSpot} spot=${spot} />`}
  <//>`;

export const VIEWS = { patients: PatientsPage, course: Course };
