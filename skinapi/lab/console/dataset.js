// One data set: how far its check is, why it was refused, or its report, pictures and versions.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, getSession, post, remove } from "/console/api.js";
import { AskFirst, Change, Icon, Load, Message, toast, useAct, useAnswer } from "/console/components.js";
import { hasWords, isolated, say, sayBytes, sayDate, sayNumber, sayValue } from "/console/language.js";
import { Pages, Polled, Thumbnail, usePages, usePolling } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { asksLabels, DatasetBadge, LabelForm, sendAgain, TakenFromReviews } from "./datasets.js";
import { nameOf } from "/console/views/finding.js";
import { nameKey, sayPictures } from "./names.js";
import { Progress } from "./jobs.js";
import { Report } from "./report.js";
import { faultOfDataset } from "./train.js";

const PICTURES = 24;

const Checking = (/** @type {{dataset: Dataset}} */ { dataset }) => html`
  <section class="card">
    <h2>${say("beingChecked")}</h2>
    <progress max="100" value=${dataset.progress} aria-label=${say("beingChecked")}></progress>
    <p><${Progress} message=${dataset.message} /></p>
    <p>${say("beingCheckedText")}</p>
  </section>`;

const Refused = (/** @type {{dataset: Dataset, conditions: Api["ConditionsView"]}} */ { dataset, conditions }) => {
  const { run, busy, failed } = useAct();
  const { problem, problem_code: code, report, uploads } = dataset;
  const unreadable = report.unreadable?.shown ?? [];
  const asks = asksLabels(dataset) && report.unknown_labels;
  return html`
    <${Message} kind=${asks ? "info" : "bad"}>
      <p><strong>${say(asks ? "asksTitle" : "refusedTitle")}</strong></p>
      <p>${report.reviews ? say("noReviewsUsed") : hasWords(`refused_${code}`) ? sayValue("refused", code ?? "") : say("ourFault")}</p>
      ${!asks && !report.reviews && problem && html`<p lang="en"><small>${isolated(problem)}</small></p>`}
    <//>
    ${unreadable.length > 0 &&
    html`<ul>${unreadable.map(({ name, reason }) => html`<li><code>${isolated(name)}</code> <span lang="en">${reason}</span></li>`)}</ul>`}
    ${report.reviews && html`<${TakenFromReviews} reviews=${report.reviews} />`}
    ${asks
      ? html`<${LabelForm} dataset=${dataset} conditions=${conditions} />`
      : html`<div class="row">
          ${!report.reviews && html`<a class="button primary" href="#/add">${say("otherFiles")}</a>`}
          ${uploads.length > 0 && html`<button disabled=${busy} onClick=${() => run(() => sendAgain(dataset))}>${say("sendAgain")}</button>`}
        </div>`}
    ${failed}
    ${uploads.length > 0 && html`<p><small>${say("refusedKept")}</small></p>`}`;
};

const Pictures = (/** @type {{dataset: Dataset, conditions: Api["ConditionsView"]}} */ { dataset, conditions }) => {
  const pages = usePages(`${apiPath`/datasets/${dataset.id}/images`}?limit=${PICTURES}`);
  return html`
    <section class="card">
      <h2>${say("picturesCount")}</h2>
      <${Pages} pages=${pages} empty="">
        ${(/** @type {Api["ImageView"][]} */ images) => html`<ul class="pictures">
          ${images.map((image) => html`<li key=${image.id}>
            <${Thumbnail} path=${apiPath`/datasets/${dataset.id}/images/${image.id}/thumbnail`} alt=${isolated(image.name)} />
            <small>${nameOf(conditions, image.label)}</small></li>`)}
        </ul>`}
      <//>
    </section>`;
};

/** The other versions of this name, the newest first. @param {{dataset: Dataset}} props */
const Versions = ({ dataset }) => {
  const all = useAnswer(() => getAll("/datasets?limit=200"), []);
  const same = (all.value ?? []).filter((one) => nameKey(one) === nameKey(dataset)).reverse();
  return (
    same.length > 1 && html`<section class="card">
      <h2>${say("versions")}</h2>
      <ul class="plain">
        ${same.map((one) => {
          const words = `${say("versionOf", { version: one.version })} · ${sayPictures(one.pictures)} · ${sayDate(one.created_at, false)}`;
          return html`<li key=${one.id}>${one.id === dataset.id ? html`<strong>${words}</strong>` : html`<a href="#/dataset/${one.id}">${words}</a>`}</li>`;
        })}
      </ul>
    </section>`
  );
};

const Delete = (/** @type {{dataset: Dataset}} */ { dataset }) => {
  const me = useAnswer(() => get("/me"), []);
  if (getSession()?.role !== "admin" && me.value?._id !== dataset.owner) return null;
  const go = async () => {
    await remove(apiPath`/datasets/${dataset.id}`);
    toast(say("deleted"));
    goTo("datasets");
  };
  return html`<${AskFirst} words=${say("delete")} look="danger" button=${html`<${Icon} name="trash" />${say("delete")}`} title=${say("deleteDataset")}
    onConfirm=${go}>
    ${dataset.pictures > 0 && html`<${Change} before=${sayPictures(dataset.pictures)} after=${say("inNoBackup")} />`}
    <p>${say("deleteDatasetText", { name: dataset.name })}</p><//>`;
};

const ReferenceChange = (/** @type {{dataset: Dataset}} */ { dataset }) => {
  const now = useAnswer(() => getAll("/datasets?limit=200"), []).value?.find((/** @type {Dataset} */ one) => one.reference);
  const name = (/** @type {Dataset | undefined} */ one) => (one ? `${isolated(one.name)} (${say("versionOf", { version: one.version ?? 1 })})` : say("inNoBackup"));
  return html`<${Change} before=${name(now)} after=${name(dataset.reference ? undefined : dataset)} />`;
};

/** An admin chooses the one data set on which all models are compared. @param {{dataset: Dataset, onChange: () => void}} props */
const Reference = ({ dataset, onChange }) => {
  if (getSession()?.role !== "admin" || dataset.status !== "published") return null;
  const path = apiPath`/datasets/${dataset.id}/reference`;
  const go = () => (dataset.reference ? remove(path) : post(path)).then(onChange);
  return html`<${AskFirst} words=${say(dataset.reference ? "endReference" : "chooseReference")} kind="primary" onConfirm=${go}>
    <${ReferenceChange} dataset=${dataset} />
    <p>${say(dataset.reference ? "endReferenceText" : "chooseReferenceText")}</p><//>`;
};

/** The way to a training, or why there is none. @param {{dataset: Dataset}} props */
const TrainOn = ({ dataset }) => {
  const fault = faultOfDataset(dataset);
  return fault ? html`<p>${fault}</p>` : html`<a class="button primary" href="#/train/${dataset.id}">${say("trainOnIt")}</a>`;
};

const About = (/** @type {{dataset: Dataset}} */ { dataset }) => {
  const { version, pictures, size, licence, source, modality, created_at } = dataset;
  const facts = [
    version && say("versionOf", { version }),
    pictures > 0 && sayPictures(pictures),
    size > 0 && sayBytes(size),
    modality && sayValue("kind", modality),
    sayDate(created_at, false),
  ].filter(Boolean);
  return html`
    <p class="lead">${facts.join(" · ")}</p>
    ${(licence || source) && html`<dl class="pairs">
      ${licence && html`<dt>${say("licence")}</dt><dd>${isolated(licence)}</dd>`}
      ${source && html`<dt>${say("source")}</dt><dd>${isolated(source)}</dd>`}
    </dl>`}
    ${dataset.reference && html`<${Message}>${say("isReference")}<//>`}
    ${dataset.erased > 0 && html`<p>${say("erasedText", { n: sayNumber(dataset.erased) })}</p>`}`;
};

export const View = (/** @type {{argument: string}} */ { argument }) => {
  const polled = usePolling(() => get(apiPath`/datasets/${argument}`), [argument], ({ status }) => status === "checking");
  return html`
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`<${Polled} polled=${polled}>
        ${(/** @type {Dataset} */ dataset) => html`
          <div class="row between"><h1 class="given">${isolated(dataset.name)}</h1><${DatasetBadge} dataset=${dataset} /></div>
          <${About} dataset=${dataset} />
          ${dataset.status === "checking" && html`<${Checking} dataset=${dataset} />`}
          ${dataset.status === "refused" && html`<${Refused} dataset=${dataset} conditions=${table} />`}
          <div class="row">
            ${dataset.status === "published" && !dataset.reference && html`<${TrainOn} dataset=${dataset} />`}
            <${Reference} dataset=${dataset} onChange=${polled.reload} />
            <${Delete} dataset=${dataset} />
          </div>
          ${dataset.status === "published" && html`<${Report} report=${dataset.report} conditions=${table} />
            <${Pictures} dataset=${dataset} conditions=${table} />
            <${Versions} dataset=${dataset} />`}`}
      <//>`}
    <//>`;
};
