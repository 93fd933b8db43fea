// The data sets of the lab, how one is made of reviews, and what labels mean that the server does not know.

import { html, useRef } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getAll, getConditions, newKey, post, remove } from "/console/api.js";
import { AskFirst, Chips, Empty, Field, Form, Icon, Load } from "/console/components.js";
import { isolated, say, sayDate, sayNumber, sayValue } from "/console/language.js";
import { Table, usePolling } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { nameOf } from "/console/views/finding.js";
import { StateBadge } from "/console/views/figures.js";
import { nameKey, sayPictures } from "./names.js";
import { faultOfDataset } from "./train.js";
import { TransferStatus, useTransfer } from "./transfer.js";

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

/** The state of a data set, that it needs an answer, or that no training can be made of it. @param {{dataset: Pick<Dataset, "status" | "problem_code" | "reference" | "counts">}} props */
export const DatasetBadge = ({ dataset }) =>
  asksLabels(dataset)
    ? html`<${StateBadge} state="checking" words=${say("checked_asks")} />`
    : dataset.status === "published" && !dataset.reference && faultOfDataset(dataset)
    ? html`<${StateBadge} state="cancelled" words=${say("checked_too_small")} />`
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
      <${Form} onSend=${send} label=${say("sendAgain")}><${Table} title=${say("mapLabels")} rows=${unknown} columns=${columns} /><//>
    </section>`;
};

/** Whose word counts; the first is taken where nothing is chosen. */
const LABELS_FROM = ["reviews", "histology"];

const FromReviews = () => {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const make = async () => {
    const said = new FormData(/** @type {HTMLFormElement} */ (form.current));
    const [name, licence] = ["name", "licence"].map((field) => String(said.get(field)).trim());
    if (!name) throw new ApiError(400, "name", say("nameNeeded"));
    const made = await post("/datasets/from-reviews", { name, licence, labels_from: said.get("labels_from") });
    goTo(`dataset/${made.id}`);
  };
  return html`
    <${AskFirst} words=${say("fromReviews")} confirm=${say("makeDataset")} kind="primary" onConfirm=${make}>
      <p>${say("fromReviewsText")}</p>
      <form ref=${form} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <${Field} label=${say("name")} name="name" hint=${say("datasetNameHint")} maxlength="100" autocomplete="off" />
        <${Chips} name="labels_from" title=${say("labelsFrom")} chosen=${LABELS_FROM[0]}
          options=${LABELS_FROM.map((source) => [source, sayValue("from", source)])} />
        <${Field} label=${say("licence")} name="licence" maxlength="200" autocomplete="off" />
      </form>
    <//>`;
};

/** What of the reviewed findings was taken, and what was not. @param {{reviews: NonNullable<DatasetReport["reviews"]>}} props */
export const TakenFromReviews = ({ reviews }) => html`
  <section class="card">
    <h2>${say("takenFromReviews")}</h2>
    <p>${say("labelsFrom")} ${sayValue("from", reviews.labels_from)}.</p>
    <dl class="pairs">
      <dt>${say("reviewedFindings")}</dt><dd>${sayNumber(reviews.reviewed)}</dd>
      <dt>${say("takenFindings")}</dt><dd>${sayNumber(reviews.taken)}</dd>
      <dt>${say("withHistology")}</dt><dd>${sayNumber(reviews.with_histology)}</dd>
      ${Object.entries(reviews.left_out).map(([reason, n]) => html`<dt>${sayValue("untaken", reason)}</dt><dd>${sayNumber(n)}</dd>`)}
    </dl>
    ${reviews.dropped && reviews.dropped.erased > 0 && html`<p>${say("droppedText", { version: reviews.dropped.version, erased: sayNumber(reviews.dropped.erased), withdrawn: sayNumber(reviews.dropped.withdrawn) })}</p>`}
  </section>`;

/** The newest version of each name, the newest first. @param {Api["DatasetSummary"][]} published the oldest first */
function newestOfEach(published) {
  const newest = new Map();
  for (const one of published) {
    const known = newest.get(nameKey(one));
    if (!known || (known.version ?? 0) < (one.version ?? 0)) newest.set(nameKey(one), one);
  }
  return [...newest.values()].reverse();
}

/** @param {Record<string, number>} counts @param {Api["ConditionsView"]} conditions */
const sayCounts = (counts, conditions) =>
  Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([key, count]) => `${nameOf(conditions, key)} ${sayNumber(count)}`)
    .join(" · ");

/** @param {{dataset: Api["DatasetSummary"], conditions: Api["ConditionsView"]}} props */
const DatasetRow = ({ dataset, conditions }) => {
  const { status, version, pictures, licence, created_at, counts } = dataset;
  const facts = [
    version && say("versionOf", { version }),
    status === "published" && sayPictures(pictures),
    dataset.modality && sayValue("kind", dataset.modality),
    licence && isolated(licence),
    sayDate(created_at, false),
  ].filter(Boolean);
  return html`
    <li class="whole">
      <span class="thumb"><${Icon} name="folder" /></span>
      <div class="grow">
        <a class="cover" href="#/dataset/${dataset.id}">${isolated(dataset.name)}</a>
        ${status === "published" && html`<span>${sayCounts(counts, conditions)}</span>`}
        <small>${facts.join(" · ")}</small>
      </div>
      ${dataset.reference && html`<span class="mark">${say("reference")}</span>`}
      <${DatasetBadge} dataset=${dataset} />
    </li>`;
};

/** @returns {Promise<Api["DatasetSummary"][]>} */
const getUnpublished = async () => (await Promise.all(["checking", "refused"].map((status) => get(`/datasets?status=${status}`)))).flat();

export const View = () => {
  const transfer = useTransfer();
  const open = usePolling(getUnpublished, [transfer === null], (found) => found.some(({ status }) => status === "checking"));
  const checking = (open.value ?? []).filter(({ status }) => status === "checking").length; // what is not checked any more may be published
  return html`
    <div class="row between"><h1>${say("title_datasets")}</h1>
      <div class="row"><a class="button primary" href="#/add"><${Icon} name="upload" />${say("title_add")}</a><${FromReviews} /></div></div>
    ${transfer && html`<${TransferStatus} transfer=${transfer} />`}
    <${Load} ask=${() => Promise.all([getAll("/datasets?limit=200"), getConditions()])} inputs=${[checking]}>
      ${(/** @type {[Api["DatasetSummary"][], Api["ConditionsView"]]} */ [published, conditions]) => {
        const rows = [...(open.value ?? []), ...newestOfEach(published)];
        if (rows.length === 0 && !transfer) return html`<${Empty} title=${say("datasetsEmpty")} />`;
        return html`<ul class="list">${rows.map((one) => html`<${DatasetRow} key=${one.id} dataset=${one} conditions=${conditions} />`)}</ul>`;
      }}
    <//>`;
};
