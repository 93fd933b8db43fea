// @ts-check
// The data sets of the lab: those being checked or refused first, then the newest version of each.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getAll, getConditions } from "/console/api.js";
import { Empty, Icon, Load } from "/console/components.js";
import { isolated, say, sayDate, sayNumber, sayValue } from "/console/language.js";
import { TransferStatus, useTransfer } from "/console/views/transfer_status.js";
import { nameOf } from "/console/views/finding.js";
import { FromReviews } from "/console/views/from_reviews.js";
import { DatasetBadge } from "/console/views/label_form.js";
import { nameKey, sayPictures } from "/console/views/lab.js";
import { usePolling } from "/console/views/polling.js";

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
    ${transfer?.purpose.view === "add" && html`<${TransferStatus} transfer=${transfer} />`}
    <${Load} ask=${() => Promise.all([getAll("/datasets?limit=200"), getConditions()])} inputs=${[checking]}>
      ${(/** @type {[Api["DatasetSummary"][], Api["ConditionsView"]]} */ [published, conditions]) => {
        const rows = [...(open.value ?? []), ...newestOfEach(published)];
        if (rows.length === 0 && !transfer) return html`<${Empty} title=${say("datasetsEmpty")}><p>${say("datasetsEmptyText")}</p><//>`;
        return html`<ul class="list">${rows.map((one) => html`<${DatasetRow} key=${one.id} dataset=${one} conditions=${conditions} />`)}</ul>`;
      }}
    <//>`;
};
