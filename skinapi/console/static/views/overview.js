// Where an admin begins: what waits and what failed first.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Answer, Icon, useAnswer } from "/console/components.js";
import { colon, isolated, say, sayBytes, sayCount, sayDate, sayLanguage, sayNumber, sayValue } from "/console/language.js";
import { addressOf } from "/console/navigation.js";
import { sayWho } from "/console/views/account_actions.js";
import { FEWEST_LESIONS, sayTooFew } from "/console/views/figures.js";
import { getModels } from "/console/views/models.js";
import { sayOverdue } from "/console/views/queue_rows.js";

const LEAST_FREE = 0.1;
const OLDEST_BACKUP_MS = 7 * 24 * 3600 * 1000;
/** How the notes of the server begin that say what is among the lines of the page. */
const SAID_ABOVE = /^(Patients without|Mails that|No job worker)/;

/** A line of the page; `act`: somebody should do something about it, at `place` where that is in the console; `known` is what of it an admin
 * may have read and put aside, until that changes. @typedef {{act: boolean, text: string, place?: string, more?: string[], known?: string}} Item */

const ASIDE_KEY = "skinapi.aside";
/** What was put aside in this browser. @returns {string[]} */
const getAside = () => JSON.parse(localStorage.getItem(ASIDE_KEY) ?? "[]");

/** What is overdue of each kind, by the doctor, who is found among the accounts. @param {Api["Overview"]["overdue"]} overdue @returns {Item[]} */
const itemsOverdue = (overdue) =>
  overdue.length === 0
    ? [{ act: false, text: say("nothingOverdue") }]
    : overdue.map(({ kind, doctor, name, count }) => ({
        act: true,
        text: `${sayOverdue(kind, count)} · ${doctor ? isolated(name || doctor) : say("nobodyInCharge")}`,
        place: addressOf("accounts", doctor ? { status: "approved", q: doctor } : { status: "unassigned" }),
        more: [say("overdueText")],
      }));

/** @param {Api["CheckerView"]} checker @returns {Item} */
const itemOfChecker = ({ model, language, passed_at: believed, due_at: due, pairs, right }) => ({
  act: !believed && pairs > 0,
  text: say(believed ? "checkerBelieved" : pairs > 0 ? "checkerNotBelieved" : "checkerNotExamined", { model, language: sayLanguage(language) }),
  more: pairs > 0 ? [say("checkerPairs", { right: sayNumber(right), pairs: sayNumber(pairs) }), ...(believed ? [] : [say("checkerDue", { date: due && sayDate(due) })])] : [],
});

/** "2 patients have no doctor, 4 urgent spots". @param {{patients: number, urgent: number}} counted */
export const sayUnassigned = ({ patients, urgent }) => [sayCount("patientsUnassigned", patients), urgent > 0 && sayCount("urgentSpots", urgent)].filter(Boolean).join(", ");

/** Patients without a doctor; before anything else a clinic needs one. @param {Api["UnassignedTotals"]} unassigned @param {Api["AccountRow"]} [asks] an account that waits, and asks to be a doctor's @returns {Item} */
export function itemOfUnassigned(unassigned, asks) {
  if (!unassigned.has_doctor) return { act: true, text: asks ? say("approveFirstDoctor", { who: sayWho(asks) }) : say("addFirstDoctor"), place: asks ? addressOf("accounts", { q: asks.email }) : "accounts", more: unassigned.patients ? [sayUnassigned(unassigned)] : [] };
  if (!unassigned.patients) return { act: false, text: say("nobodyUnassigned") };
  const place = addressOf("accounts", { status: "unassigned" });
  return { act: true, text: sayUnassigned(unassigned), place, more: [say(unassigned.listed ? "patientsUnassignedText" : "patientsUnlistedText")] };
}

/** @param {Api["Overview"]} found @param {number} lesions on which the model in service was tested @param {Api["AccountRow"]} [asks] @returns {Item[]} */
function itemsOf(found, lesions = FEWEST_LESIONS, asks) {
  const { waiting_accounts: waiting, late_mails: mails, failed_jobs: failed, jobs, disk, backup_at: backup } = found;
  const model = found.model_version ?? say("noModel");
  return [
    itemOfUnassigned(found.unassigned, asks),
    ...found.checkers.map(itemOfChecker),
    ...itemsOverdue(found.overdue),
    { act: waiting > 0, text: waiting > 0 ? sayCount("accountsWait", waiting) : say("noAccountsWaiting"), place: "accounts" },
    { act: mails !== 0, text: mails === null ? say("noMails") : mails > 0 ? sayCount("mailsLate", mails) : say("mailsSent"), more: mails === 0 ? [] : [say(mails === null ? "noMailsText" : "mailsLateText")], ...(mails === null && { known: "mails" }) },
    ...failed.map((job) => ({ act: true, text: say("jobFailed", { kind: job.kind, date: job.completed_at && sayDate(job.completed_at) }), place: `job/${job._id}`, more: job.error ? [job.error] : [] })),
    ...(jobs.lost > 0 ? [{ act: true, text: sayCount("jobsLost", jobs.lost), place: "jobs" }] : []),
    ...(found.job_worker_missing ? [{ act: true, text: say("noJobWorker"), place: "jobs", more: [say("noJobWorkerText")] }] : []),
    ...(jobs.queued + jobs.running > 0 ? [{ act: false, text: [jobs.queued && sayCount("jobsWait", jobs.queued), jobs.running && sayCount("jobsRun", jobs.running)].filter(Boolean).join(", "), place: "jobs" }] : []),
    ...(disk ? [{ act: disk.free_bytes < LEAST_FREE * disk.total_bytes, text: say("diskFree", { free: sayBytes(disk.free_bytes), total: sayBytes(disk.total_bytes) }) }] : []),
    {
      act: !backup || Date.now() - Date.parse(backup) > OLDEST_BACKUP_MS,
      text: backup ? say("backupAt", { date: sayDate(backup) }) : say("noBackup"),
      more: backup ? [] : [say("noBackupText")],
    },
    { act: Boolean(found.model_problem) || !found.model_version || lesions < FEWEST_LESIONS, text: say("modelServes", { version: model }), place: "model",
      more: [found.model_problem ?? "", lesions < FEWEST_LESIONS ? sayTooFew(lesions) : ""].filter(Boolean), ...(found.model_version && !found.model_problem && { known: `model ${model}` }) },
  ];
}

const Line = (/** @type {{item: Item, onAside?: (known: string) => void}} */ { item, onAside }) => html`
  <li class="${item.place ? "whole" : ""} ${item.act ? "to-do" : ""}"><${Icon} name=${item.act ? "referral" : "check"} />
    <div class="grow">${item.place ? html`<a class="cover" href=${`#/${item.place}`}>${item.text}</a>` : html`<span>${item.text}</span>`}
      ${item.more?.map((text) => html`<small>${text}</small>`)}</div>
    ${item.act && item.known && html`<button class="quiet aside" onClick=${() => onAside?.(item.known ?? "")}>${say("putAside")}</button>`}
    ${item.place && html`<${Icon} name="next" />`}</li>`;

/** @param {{items: Item[], onAside?: (known: string) => void}} props */
const Lines = ({ items, onAside }) => html`<ul class="list overview">${items.map((item) => html`<${Line} item=${item} onAside=${onAside} />`)}</ul>`;

/** What an LLM has written in the last days, and what was kept of it; nothing where none did. @param {{writer: Api["WriterUsage"]}} props */
const Writer = ({ writer }) =>
  writer.answers + writer.template > 0 && html`
    <details class="card"><summary>${say("writerCard")}${colon()}${say("writerKept", { kept: sayNumber(writer.kept), written: sayNumber(writer.kept + Object.values(writer.dropped).reduce((sum, one) => sum + one, 0)) })}</summary>
      <ul>
        <li>${say("writerPassages", { passages: sayNumber(writer.passages) })}</li>
        <li>${say("writerAnswers", { answers: sayNumber(writer.answers), seconds: writer.seconds === null ? "–" : sayNumber(writer.seconds, 1), tokens: sayNumber(writer.tokens) })}</li>
        <li>${say("writerTemplate", { template: sayNumber(writer.template) })}</li>
        ${writer.unwritten.checker_not_believed > 0 && html`<li>${say("writerNotBelieved", { count: sayNumber(writer.unwritten.checker_not_believed) })}</li>`}
        ${Object.entries(writer.dropped).map(([reason, count]) => html`<li>${say("writerDropped", { reason: sayValue("dropped", reason), count: sayNumber(count) })}</li>`)}
      </ul>
    </details>`;

const OverviewPage = () => {
  const usage = useAnswer(() => get("/admin/usage?days=30"), []);
  const overview = useAnswer(() => get("/admin/overview"), []);
  const needsDoctor = overview.value?.unassigned.has_doctor === false;
  /** @type {Api["AccountRow"][]} */
  const waitingAccounts = useAnswer(async () => (needsDoctor ? get("/accounts?status=waiting") : []), [needsDoctor]).value ?? [];
  const health = useAnswer(() => get("/readyz"), []);
  const models = useAnswer(getModels, []).value;
  const version = useAnswer(() => get("/"), []).value?.version;
  const [aside, setAside] = useState(getAside);
  const putAside = (/** @type {string} */ known) => {
    const next = [...aside, known];
    localStorage.setItem(ASIDE_KEY, JSON.stringify(next));
    setAside(next);
  };
  return html`
    <div class="row between"><h1>${say("title_overview")}</h1>
      ${overview.value && html`<div class="row"><a class="button" href="#/integrations">${say("title_integrations")}</a>
        <a class="button" href="#/data-protection">${say("title_data-protection")}</a></div>`}</div>
    <${Answer} answer=${overview}>
      ${(/** @type {Api["Overview"]} */ found) => {
        const { notes = [] } = /** @type {Partial<Api["Readiness"]>} */ (health.value ?? {});
        const items = itemsOf(found, models?.find(({ version }) => version === found.model_version)?.figures.lesions, waitingAccounts.find((one) => one.wanted_role === "doctor"))
          .map((item) => ({ ...item, act: item.act && !aside.includes(item.known ?? "") }));
        const waiting = items.filter(({ act }) => act);
        return html`
          ${waiting.length > 0 ? html`<h2>${say("waitsForYou")}</h2><${Lines} items=${waiting} onAside=${putAside} />` : html`<p class="lead">${say("asItShouldBe")}</p>`}
          <details><summary>${say("restIsRight", { count: sayNumber(items.length - waiting.length) })}</summary><${Lines} items=${items.filter(({ act }) => !act)} /></details>
          ${usage.value && html`<${Writer} writer=${usage.value.writer} />`}
          <p><small>SkinAPI ${version}${notes.filter((note) => !SAID_ABOVE.test(note)).map((note) => html`<br /><span lang="en">${note}</span>`)}</small></p>`;
      }}
    <//>`;
};

export const VIEWS = { overview: OverviewPage };
