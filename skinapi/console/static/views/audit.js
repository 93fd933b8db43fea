// @ts-check
// The audit trail, newest first: who did what to whom, and what came of it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, get } from "/console/api.js";
import { Empty, Field, Form, Message, Pages, usePages } from "/console/components.js";
import { hasWords, isolated, say, sayDate, sayValue, valuesOf } from "/console/language.js";

/** Everything that is looked for in the trail. @typedef {{action?: string, account?: string}} Filter */

/** Where the words of an action are, which the API writes as `account.approve`. @param {string} action */
const wordsOf = (action) => action.replace(".", "_");

/** An action in words, or as it is where there are none. @param {string} action */
const sayAction = (action) => (hasWords(`action_${wordsOf(action)}`) ? sayValue("action", wordsOf(action)) : action);

/** The account with this e-mail, or the only one that it is a part of. @param {string} text */
async function findAccount(text) {
  const query = new URLSearchParams({ q: text, limit: "50" });
  /** @type {any[]} */
  const found = await get(`/accounts?${query}`);
  const exact = found.find((one) => one.email === text.toLowerCase());
  if (!exact && found.length !== 1) throw new ApiError(404, "account", say(found.length ? "manyAccounts" : "noSuchAccount"));
  return (exact ?? found[0])._id;
}

/** @param {{onFilter: (filter: Filter) => void, actions: string[]}} props */
const FilterForm = ({ onFilter, actions }) => {
  /** @param {Record<string, string>} values */
  const filter = async ({ action, account }) =>
    onFilter({
      ...(action && { action }),
      ...(account.trim() && { account: await findAccount(account.trim()) }),
    });
  return html`
    <${Form} onSend=${filter} label=${say("search")}>
      <div class="field">
        <label for="field-action">${say("actionFilter")}</label>
        <select id="field-action" name="action">
          <option value="">${say("anyAction")}</option>
          ${actions.map((action) => html`<option value=${action}>${sayAction(action)}</option>`)}
        </select>
      </div>
      <${Field} label=${say("accountFilter")} name="account" type="search" autocomplete="off" autocapitalize="none" />
    <//>`;
};

/** In spite of which marks a letter was signed, which the API writes as `marks: figure, name`. @param {string} detail */
const sayMarks = (detail) =>
  say("marksAccepted", { kinds: detail.slice(detail.indexOf(":") + 1).split(",").map((kind) => sayValue("mark", kind.trim())).join(", ") });

/** Which operating point was chosen after which, which the API writes as `cautious to standard`. @param {string} detail */
const sayPoints = (detail) => detail.split(" to ").map((point) => sayValue("point", point)).join(" → ");

/** An account by its address; what has none, or none any more, by the end of its number. @param {{id: string, email: string | null}} props */
const Whom = ({ id, email }) =>
  email ? html`<span class="address">${isolated(email)}</span>` : hasWords(`actor_${id}`) ? sayValue("actor", id) : html`<code title=${id}>${id.length > 12 ? `…${id.slice(-8)}` : id}</code>`;

/** What became of it; a refusal has a code of its own. @param {Api["AuditRow"]} row */
function sayOutcome(row) {
  if (row.phase === "intent") return say("outcome_open");
  const outcome = row.outcome ?? "";
  return ["done", "interrupted"].includes(outcome) ? sayValue("outcome", outcome) : say("outcome_refused");
}

/** An intent is left out where its outcome is in the list. @param {any[]} rows */
function withOutcomes(rows) {
  const completed = new Set(rows.map((row) => row.intent));
  return rows.filter((row) => row.phase === "outcome" || !completed.has(row._id));
}

/** @param {{rows: Api["AuditRow"][]}} props */
const Trail = ({ rows }) => html`
  ${rows.some((row) => !row.signed) && html`<${Message} kind="bad">${say("unsignedText")}<//>`}
  <div class="scroll" tabindex="0" role="region" aria-label=${say("title_audit")}>
    <table class="stacked">
      <thead><tr>${["when", "who", "what", "whom", "outcome"].map(
        (column) => html`<th scope="col">${say(/** @type {WordKey} */ (column))}</th>`,
      )}</tr></thead>
      <tbody>
        ${withOutcomes(rows).map(
          (row) => html`<tr key=${row._id}>
            <td><time datetime=${row.created_at}>${sayDate(row.created_at)}</time></td>
            <td data-name=${say("who")}><${Whom} id=${row.by} email=${row.by_email} /></td>
            <td data-name=${say("what")}><span title=${row.action}>${sayAction(row.action)}</span>
              ${row.action === "message.report" && html`<small> (${sayValue("abuse", row.detail.split(" ")[0])})</small>`}
              ${row.action === "model.operating_point" && row.detail && html`<small> (${sayPoints(row.detail)})</small>`}
              ${row.action === "letter.sign" && row.detail && html`<small> (${sayMarks(row.detail)})</small>`}</td>
            <td data-name=${say("whom")}><${Whom} id=${row.target} email=${row.target_email} /></td>
            <td data-name=${say("outcome")} class=${row.outcome === "done" ? "" : "failed"}>
              <span title=${row.outcome}>${sayOutcome(row)}</span>
              ${!row.signed && html` <strong class="failed">${say("unsigned")}</strong>`}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

export const View = () => {
  const [filter, setFilter] = useState(/** @type {Filter} */ ({}));
  const [turn, setTurn] = useState(0);
  const pages = usePages(`/audit?${new URLSearchParams({ limit: "100", ...filter })}`);
  const known = valuesOf("action").map((words) => words.replace("_", "."));
  const actions = [...new Set([...known, ...(pages.items ?? []).map((row) => row.action)])].sort((one, other) => sayAction(one).localeCompare(sayAction(other)));
  const filtered = Object.keys(filter).length > 0;
  return html`
    <h1>${say("title_audit")}</h1>
    <div class="filter"><${FilterForm} key=${turn} onFilter=${setFilter} actions=${actions} /></div>
    ${filtered &&
    html`<p><button onClick=${() => {
      setFilter({});
      setTurn(turn + 1); // a new form, which is empty
    }}>${say("wholeTrail")}</button></p>`}
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("auditEmpty")}><p>${say("auditEmptyText")}</p><//>`}>
      ${(/** @type {any[]} */ rows) => html`<${Trail} rows=${rows} />`}
    <//>`;
};
