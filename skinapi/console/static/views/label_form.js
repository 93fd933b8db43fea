// @ts-check
// Labels that the server does not know: each is said to be one of ours, or its pictures are left out.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, newKey, post, remove } from "/console/api.js";
import { Form } from "/console/components.js";
import { isolated, say, sayNumber, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { nameOf } from "/console/views/finding.js";
import { StateBadge } from "/console/views/lab.js";
import { Table } from "/console/views/tables.js";

const LEFT_OUT = "";

/** What was said of labels when a data set was sent again: a report does not repeat it. @type {Map<string, Record<string, string | null>>} */
const saidBefore = new Map();

/** The request that was sent last: after a lost answer it keeps its key, and makes no second data set. */
let sent = { text: "", key: "" };

/** Send a refused data set again, which becomes another one. @param {Dataset} dataset @param {Record<string, string | null>} labels */
export async function sendAgain(dataset, labels = {}) {
  const { id, name, licence, source, modality, uploads } = dataset;
  const all = { ...saidBefore.get(id), ...labels };
  const body = { name, licence, source, modality, uploads, labels: all };
  const text = `${id} ${JSON.stringify(body)}`; // what is refused again may be sent again: it has another id
  if (text !== sent.text) sent = { text, key: newKey() };
  const made = await post("/datasets", body, sent.key);
  saidBefore.set(made.id, all);
  remove(apiPath`/datasets/${id}`).catch(() => {}); // else it goes after a day
  goTo(`dataset/${made.id}`);
}

/** Whether its check waits for what labels mean. @param {Pick<Dataset, "status" | "problem_code">} dataset */
export const asksLabels = ({ status, problem_code }) => status === "refused" && problem_code === "unknown_labels";

/** The state of a data set, or that it needs an answer. @param {{dataset: Pick<Dataset, "status" | "problem_code">}} props */
export const DatasetBadge = ({ dataset }) =>
  asksLabels(dataset)
    ? html`<${StateBadge} state="checking" words=${say("checked_asks")} />`
    : html`<${StateBadge} state=${dataset.status} words=${sayValue("checked", dataset.status)} />`;

/** @param {{dataset: Dataset, conditions: Api["ConditionsView"]}} props */
export const LabelForm = ({ dataset, conditions }) => {
  const unknown = dataset.report.unknown_labels ?? [];
  const send = (/** @type {Record<string, string>} */ values) =>
    sendAgain(dataset, Object.fromEntries(unknown.map(({ label }, place) => [label, values[`label-${place}`] || null])));
  const columns = /** @type {Column<typeof unknown[number]>[]} */ ([
    [say("theirLabel"), ({ label }, place) => html`<code id="theirs-${place}">${isolated(label) || say("noLabel")}</code>`],
    [say("picturesCount"), ({ count }) => sayNumber(count)],
    [say("class"), ({ offered }, place) => html`<select name="label-${place}" aria-labelledby="theirs-${place}" defaultValue=${offered ?? LEFT_OUT}>
      <option value=${LEFT_OUT} selected=${!offered}>${say("leaveOut")}</option>
      ${conditions.conditions.map(({ key }) => html`<option value=${key} selected=${key === offered}>${nameOf(conditions, key)}</option>`)}
    </select>`],
  ]);
  return html`
    <section class="card">
      <h2>${say("mapLabels")}</h2>
      <p>${say("mapLabelsText")}</p>
      <${Form} onSend=${send} label=${say("sendAgain")}><${Table} title=${say("mapLabels")} rows=${unknown} columns=${columns} /><//>
    </section>`;
};
