// @ts-check
// Whose data a key, an account or a time span touched, and the note for the supervisory authority.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getAll, saveFile } from "/console/api.js";
import { Empty, Field, Form, Load, Message, Select, useAct } from "/console/components.js";
import { getLanguage, isolated, say, sayCount, sayDate, sayNumber, sayValue, valuesOf } from "/console/language.js";
import { findAccount, startOf } from "/console/views/audit.js";
import { Table } from "/console/views/tables.js";

/** @typedef {Api["BreachView"]} Breach */
/** @typedef {Api["TouchedView"]} Touched */
const PATH = "/data-protection/breach";

/** What was asked, as the API takes it. @param {Record<string, string>} values @returns {Promise<Record<string, string>>} */
async function queryOf({ what, who, key, since, until }) {
  return {
    lang: getLanguage(),
    ...(what === "account" && { account: await findAccount(who.trim()) }),
    ...(what === "key" && { key }),
    ...(since && { since: startOf(since, 0) }),
    ...(until && { until: startOf(until, 1) }),
  };
}

/** @param {{onAsk: (query: Record<string, string>) => void}} props */
const Question = ({ onAsk }) => {
  const [what, setWhat] = useState("account");
  const days = { type: "date", required: what === "span" };
  return html`
    <${Form} label=${say("breachAsk")} onSend=${async (/** @type {Record<string, string>} */ values) => onAsk(await queryOf(values))}>
      <${Select} label=${say("breachWhat")} name="what" value=${what} options=${valuesOf("breach").map((one) => [one, sayValue("breach", one)])} onChoose=${setWhat} />
      ${what === "account" && html`<${Field} label=${say("breachAccount")} name="who" type="search" autocomplete="off" autocapitalize="none" required />`}
      ${what === "key" && html`<${Load} ask=${() => getAll("/admin/keys?limit=200")}>${(/** @type {Api["AnyKeyView"][]} */ keys) => html`
        <${Select} label=${say("breachKey")} name="key" required options=${keys.map(({ _id, name, hint, account_email: email }) => [_id, `${isolated(name)} …${hint} ${email ?? ""}`])} />`}<//>`}
      <${Field} label=${say("since")} name="since" ...${days} />
      <${Field} label=${say("until")} name="until" ...${days} />
    <//>`;
};

/** By name and address; whose account is gone, by the end of its id. @param {Touched} one */
const sayPerson = ({ _id, email, name }) => (email ? `${isolated(name ?? "")} (${isolated(email)})` : `${name ? `${isolated(name)}, ` : ""}${say("breachGone", { id: `…${_id.slice(-8)}` })}`);

/** @param {{persons: Touched[]}} props */
const Persons = ({ persons }) => html`
  <${Table} title=${say("breachPersons")} rows=${persons} columns=${/** @type {Column<Touched>[]} */ ([
    [say("breachPerson"), sayPerson],
    [say("breachActs"), ({ acts }) => Object.entries(acts).map(([act, count]) => `${sayValue("touched", act)}\u00a0${sayNumber(count)}`).join(", ") || say("breachNoRow")],
    [say("breachFirst"), ({ first }) => first && html`<time datetime=${first}>${sayDate(first)}</time>`],
    [say("breachLast"), ({ last }) => last && html`<time datetime=${last}>${sayDate(last)}</time>`],
  ])} />`;

/** @param {{query: Record<string, string>, breach: Breach}} props */
const Found = ({ query, breach: { persons, persons_total: total, gaps, note } }) => {
  const { run, failed } = useAct();
  const save = () => run(() => saveFile(`${PATH}?${new URLSearchParams({ ...query, format: "csv" })}`, "text/csv", "touched.csv"));
  return html`
    <h2>${sayCount("touchedPersons", total)}</h2>
    ${persons.length === 0 ? html`<${Empty} title=${say("breachNobody")}><p>${say("breachNobodyText")}</p><//>` : html`
      <${Persons} persons=${persons} />
      ${total > persons.length && html`<p>${say("breachMore", { count: sayNumber(persons.length) })}</p>`}
      <p class="row"><button onClick=${save}>${say("exportCsv")}</button></p>${failed}`}
    <h2>${say("breachGaps")}</h2>
    <ul>${gaps.map((gap) => html`<li>${gap}</li>`)}</ul>
    <h2>${say("breachNote")}</h2>
    <p>${say("breachNoteText")}</p>
    <textarea rows="24" aria-label=${say("breachNote")} defaultValue=${note}></textarea>`;
};

export const Section = () => {
  const [query, setQuery] = useState(/** @type {Record<string, string> | null} */ (null));
  return html`
    <p class="lead">${say("breachText")}</p>
    <${Message}>${say("breachFirstSteps")} <a href="#/accounts">${say("title_accounts")}</a>, <a href="#/integrations/keys">${say("title_keys")}</a><//>
    <div class="filter trail-filter"><${Question} onAsk=${setQuery} /></div>
    ${query && html`<${Load} key=${JSON.stringify(query)} ask=${() => get(`${PATH}?${new URLSearchParams(query)}`)}>
      ${(/** @type {Breach} */ breach) => html`<${Found} query=${query} breach=${breach} />`}<//>`}`;
};
