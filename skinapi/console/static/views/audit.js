// The audit trail, newest first: who did what to whom, in sentences. What is looked for stands in the address.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, get, saveFile } from "/console/api.js";
import { Empty, Field, Form, Load, Message, Select, useAct } from "/console/components.js";
import { hasWords, isolated, say, sayDate, sayValue, valuesOf } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { addressOf, goTo } from "/console/navigation.js";

/** @typedef {Api["AuditRow"]} Row */
/** What is looked for: an action, or all of a group, an account by its e-mail, the key of a program, from and until which day. */
const ASKED = /** @type {const} */ (["action", "group", "who", "key", "since", "until"]);
const DAY = /^(19[7-9]|2\d\d)\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const IDENTIFIER = /^[0-9a-f]{32}$/;
const ACTION = /^[a-z]+\.[a-z_]+$/;

/** Where the words of an action are, which the API writes as `account.approve`. @param {string} action */
const wordsOf = (action) => action.replace(".", "_");

/** Which actions are offered together, by how their names begin; what is in no group, is in the last one. */
const GROUPS = /** @type {const} */ ({
  people: ["account", "doctor", "patient"],
  access: ["breakglass", "key", "session"],
  care: ["case", "finding", "lesion", "letter", "message", "photo", "record", "report", "review", "submission", "thumbnail"],
  lab: ["dataset", "job", "model"],
  server: [],
});

/** @param {string} action */
const groupOf = (action) => Object.entries(GROUPS).find(([, begins]) => /** @type {readonly string[]} */ (begins).includes(action.split(".")[0]))?.[0] ?? "server";

/** An action as its sentence says it, whoever did it; as it is where there are no words. @param {string} action */
const sayAction = (action) => {
  const key = /** @type {WordKey} */ (`did_${wordsOf(action)}`);
  return hasWords(key) ? say(key, { by: "…", target: "…", owner: "…" }).replace(/^…\s*:?\s/, "") : action;
};

/** The account with this e-mail, or the only one that it is a part of; or the id itself, also of one that is erased. @param {string} text @returns {Promise<string>} */
async function findAccount(text) {
  if (IDENTIFIER.test(text.toLowerCase())) return text.toLowerCase();
  const query = new URLSearchParams({ q: text.slice(0, 200), limit: "50" });
  /** @type {Api["AccountRow"][]} */
  const found = await get(`/accounts?${query}`);
  const exact = found.find((one) => one.email === text.toLowerCase());
  if (!exact && found.length !== 1) throw new ApiError(400, "account", say(found.length ? "manyAccounts" : "noSuchAccount"));
  return (exact ?? found[0])._id;
}

/** The moment at which a day begins here, or the next one. @param {string} day @param {number} later */
function startOf(day, later) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** The filters as the API takes them. @param {Record<string, string>} asked @param {string} account @param {string[]} actions that there are */
const queryOf = ({ action, group, key, since, until }, account, actions) => ({
  ...(action ? { action } : group && { action: actions.filter((one) => groupOf(one) === group).join() }),
  ...(key && { key }),
  ...(account && { account }),
  ...(since && { since: startOf(since, 0) }),
  ...(until && { until: startOf(until, 1) }),
});

/** What was done: of what kind, and perhaps what of it. @param {{asked: Record<string, string>, actions: string[]}} props */
const AskAction = ({ asked: { action, group: asked }, actions }) => {
  const [group, setGroup] = useState(action ? groupOf(action) : asked);
  return html`
    <${Select} label=${say("actionFilter")} name="group" value=${group} onChoose=${setGroup}
      options=${[["", say("anyAction")], ...Object.keys(GROUPS).map((one) => [one, sayValue("acts", one)])]} />
    ${group && html`<${Select} key=${group} label=${say("whichAction")} name="action" value=${groupOf(action) === group ? action : ""}
      options=${[["", say("anyAction")], ...actions.filter((one) => groupOf(one) === group).map((one) => [one, sayAction(one)])]} />`}`;
};

/** A key is looked for alone, or with days. @param {{asked: Record<string, string>, actions: string[]}} props */
const FilterForm = ({ asked, actions }) => html`
  <${Form} label=${say("search")} onSend=${async (/** @type {Record<string, string>} */ { who = "", group = "", ...values }) => {
    if (who.trim()) await findAccount(who.trim());
    goTo(addressOf("audit", { ...values, group: values.action ? "" : group, who: who.trim() })); // an action says its group
  }}>
    ${asked.key ? html`<p>${say("byKey", { key: asked.key.slice(-8) })}<input type="hidden" name="key" value=${asked.key} /></p>` : html`
    <${Field} label=${say("accountFilter")} name="who" type="search" autocomplete="off" autocapitalize="none" placeholder=${say("auditHint")} defaultValue=${asked.who} />
    <${AskAction} asked=${asked} actions=${actions} />`}
    <${Field} label=${say("since")} name="since" type="date" defaultValue=${asked.since} />
    <${Field} label=${say("until")} name="until" type="date" defaultValue=${asked.until} />
  <//>`;

/** On what grounds, in words where there are any. @param {Row} row */
function sayDetail({ action, detail }) {
  if (!detail) return "";
  if (action === "model.operating_point") return detail.split(" to ").map((point) => sayValue("point", point)).join(" → ");
  if (action === "account.reached") return say(/** @type {WordKey} */ (`toReach_${detail}`));
  return action === "account.refuse" ? sayValue("refusal", detail) : "";
}

/** A person by name and address, for anybody may choose the name of another; what has none, or none any more, by the end of its id.
 * @param {string} id @param {string | null} email @param {string | null} name */
const sayWhom = (id, email, name) => (email ? `${isolated(name ?? "")} (${isolated(email)})` : hasWords(`actor_${id}`) ? sayValue("actor", id) : id.length > 12 ? `…${id.slice(-8)}` : id);

/** Whom or what it was done to; of a patient's finding or spot, whose it is, unless the patient did it. @param {Row} row @param {string} owner */
function sayTarget(row, owner) {
  const target = row.finding ? String(row.finding) : sayWhom(row.target, row.target_email, row.target_name);
  if (row.action.startsWith("message.") && row.target !== row.owner) return say("theSpot", { target: row.owner === row.by ? target : say("ofOwner", { target, owner }) });
  return row.owner && row.owner !== row.by && !row.target_email && !row.action.startsWith("doctor.") ? say("ofOwner", { target, owner }) : target;
}

/** What happened, as a sentence. @param {Row} row */
function sayRow(row) {
  const by = sayWhom(row.by, row.by_email, row.by_name);
  const owner = row.owner ? sayWhom(row.owner, row.owner_email, row.owner_name) : say("aPatient");
  const key = /** @type {WordKey} */ (`did_${wordsOf(row.action)}`);
  const said = say(hasWords(key) ? key : "did_other", { by, owner, target: sayTarget(row, owner), action: sayAction(row.action) });
  return row.by_email ? said : said.charAt(0).toLocaleUpperCase() + said.slice(1);
}

/** What became of it, where it was not done; a refusal has a code of its own. @param {Row} row */
const sayOutcome = ({ phase, outcome }) => (phase === "intent" ? say("outcome_open")
  : outcome === "done" ? "" : outcome === "interrupted" ? sayValue("outcome", outcome) : say("outcome_refused"));

/** Whether the row after it, or before it, says the same: a change of doctors has two. @param {Row} row @param {Row} [other] */
const isSaidBy = (row, other) => row.signed && other?.signed && row.by === other.by && row.by_key === other.by_key && row.outcome === other.outcome && row.created_at.slice(0, 16) === other.created_at.slice(0, 16) &&
  row.action === "account.assign" && other.action === "doctor.assign" && other.owner === row.target;

/** Each act once: an intent is left out where its outcome is in the list. @param {Row[]} rows */
export function listActs(rows) {
  const completed = new Set(rows.map((row) => row.intent));
  const done = rows.filter((row) => row.phase === "outcome" || !completed.has(row._id));
  return done.filter((row, at) => !isSaidBy(row, done[at + 1]) && !isSaidBy(row, done[at - 1]));
}

const Line = (/** @type {{row: Row}} */ { row }) => {
  const [outcome, detail] = [sayOutcome(row), sayDetail(row)];
  return html`<tr>
    <td><time datetime=${row.created_at}>${sayDate(row.created_at)}</time></td>
    <td><span title=${row.action}>${isolated(sayRow(row))}</span>${detail && html`<small> (${detail})</small>`}${row.by_key && html`<small> ${say("byKey", { key: row.by_key.slice(-8) })}</small>`}
      ${outcome && html` <strong class="failed" title=${row.outcome}>${outcome}</strong>`}
      ${!row.signed && html` <strong class="failed">${say("unsigned")}</strong>`}</td>
  </tr>`;
};

const Trail = (/** @type {{rows: Row[]}} */ { rows }) => html`
  ${rows.some((row) => !row.signed) && html`<${Message} kind="bad">${say("unsignedText")}<//>`}
  <table class="trail">
    <thead><tr><th scope="col">${say("when")}</th><th scope="col">${say("happened")}</th></tr></thead>
    <tbody>${listActs(rows).map((row) => html`<${Line} key=${row._id} row=${row} />`)}</tbody>
  </table>`;

/** What was found as a file. @param {{query: Record<string, string>}} props */
const Export = ({ query }) => {
  const { run, failed } = useAct();
  const save = () => run(() => saveFile(`/audit/export?${new URLSearchParams(query)}`, "text/csv", "audit.csv"));
  return html`<p><button onClick=${save}>${say("exportCsv")}</button></p>${failed}`;
};

const Found = (/** @type {{query: Record<string, string>}} */ { query }) => {
  const pages = usePages(`/audit?${new URLSearchParams({ limit: "100", ...query })}`);
  return html`
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("auditEmpty")} />`}>
      ${(/** @type {Row[]} */ rows) => html`<${Trail} rows=${rows} />`}
    <//>
    <${Export} query=${query} />`;
};

/** Whether the API can look for it: anybody may write an address. @param {Record<string, string>} asked */
const isAsked = ({ action, group, key, since, until }) => (!action || ACTION.test(action)) && (!group || Object.hasOwn(GROUPS, group)) && (!key || IDENTIFIER.test(key)) && [since, until].every((day) => !day || DAY.test(day));

/** @param {{filters: URLSearchParams}} props what of the address stands behind the ? */
export const View = ({ filters }) => {
  const asked = Object.fromEntries(ASKED.map((name) => [name, filters.get(name) ?? ""]));
  const known = valuesOf("did").filter((words) => words !== "other").map((words) => words.replace("_", "."));
  const actions = [...new Set([...known, ...(ACTION.test(asked.action) ? [asked.action] : [])])].sort((one, other) => sayAction(one).localeCompare(sayAction(other)));
  return html`
    <h1>${say("title_audit")}</h1>
    <div class="filter trail-filter"><${FilterForm} key=${`${filters}`} asked=${asked} actions=${actions} /></div>
    ${`${filters}` && html`<p><a class="button" href="#/audit">${say("wholeTrail")}</a></p>`}
    ${isAsked(asked) ? html`
      <${Load} key=${`${filters}`} ask=${async () => (asked.who ? findAccount(asked.who) : "")}>
        ${(/** @type {string} */ account) => html`<${Found} query=${queryOf(asked, account, actions)} />`}<//>` : html`<${Message} kind="bad">${say("badFilter")}<//>`}`;
};
