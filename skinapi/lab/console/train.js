// Start a training: on which data set, which network, and how.

import { html, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll, post } from "/console/api.js";
import { Empty, Field, Load, Select, useAct } from "/console/components.js";
import { isolated, say, sayNumber, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { sayPictures } from "./names.js";

const ARCHITECTURES = ["ResNet50", "DenseNet169", "MobileNetV2", "EfficientNetB3"];
const OPTIMIZERS = ["Adam", "SGD", "RMSprop"];
/** What the API takes, and what stands in the form at first. */
const NUMBERS = /** @type {const} */ ({
  epochs: { from: 1, to: 200, whole: true, digits: 0, first: 10 },
  batch_size: { from: 1, to: 128, whole: true, digits: 0, first: 32 },
  learning_rate: { from: 0.000001, to: 1, whole: false, digits: 4, first: 0.0001 },
});
const NUMBER_NAMES = /** @type {(keyof typeof NUMBERS)[]} */ (Object.keys(NUMBERS));
/** With fewer classes, or fewer pictures of them, a data set cannot be split into three parts. */
const FEWEST_CLASSES = 2;
const FEWEST_OF_A_CLASS = 10;

const isLargeEnough = (/** @type {Pick<Api["DatasetSummary"], "counts">} */ dataset) =>
  Object.values(dataset.counts).filter((count) => count >= FEWEST_OF_A_CLASS).length >= FEWEST_CLASSES;

/** What is wrong with a data set, or nothing. @param {Pick<Api["DatasetSummary"], "reference" | "counts">} dataset */
export function faultOfDataset(dataset) {
  if (dataset.reference) return say("trainReference");
  return isLargeEnough(dataset) ? "" : say("tooSmallToSplit", { n: String(FEWEST_OF_A_CLASS) });
}

/** What is wrong with a number, or nothing. @param {keyof typeof NUMBERS} name @param {string} text */
function faultOf(name, text) {
  const { from, to, whole } = NUMBERS[name];
  const value = Number(text.replace(",", "."));
  const fits = text.trim() !== "" && value >= from && value <= to && (!whole || Number.isInteger(value));
  return fits ? "" : say(whole ? "wholeNumberBetween" : "numberBetween", { from: String(from), to: String(to) });
}

/** @param {{datasets: Api["DatasetSummary"][], chosen: string}} props published ones, the newest first */
const TrainForm = ({ datasets, chosen }) => {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [faults, setFaults] = useState(/** @type {Record<string, string>} */ ({}));
  const { run, busy, setError, failed } = useAct();
  const first = datasets.find(({ id }) => id === chosen) ?? datasets.find((one) => !faultOfDataset(one)) ?? datasets[0];

  /** @param {Record<string, string>} said @returns {Record<string, string>} */
  const faultsOf = (said) => {
    const dataset = datasets.find(({ id }) => id === said.dataset) ?? first;
    const found = Object.fromEntries(NUMBER_NAMES.map((name) => [name, faultOf(name, said[name])]));
    return { dataset: faultOfDataset(dataset), ...found };
  };
  const start = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const said = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (form.current))));
    const found = faultsOf(said);
    setFaults(found);
    setError(null);
    const wrong = Object.keys(found).find((name) => found[name]);
    if (wrong) return void /** @type {HTMLElement | null} */ (form.current?.querySelector(`[name=${wrong}]`))?.focus();
    const { dataset: dataset_name, architecture, optimizer, class_balancing: balanced } = said;
    const numbers = Object.fromEntries(NUMBER_NAMES.map((name) => [name, Number(said[name].replace(",", "."))]));
    await run(async () => {
      const started = await post("/api/start-training", { dataset_name, architecture, optimizer, class_balancing: balanced === "on", ...numbers });
      goTo(`job/${started.job_id}`);
    });
  };
  return html`
    <form class="card train" ref=${form} onSubmit=${start} novalidate>
      <${Select} name="dataset" label=${say("title_dataset")} hint=${say("trainDatasetHint")} error=${faults.dataset}>
        ${datasets.map((one) => html`<option value=${one.id} selected=${one === first}>
          ${isolated(one.name)} – ${say("versionOf", { version: one.version })}, ${sayPictures(one.pictures)}</option>`)}
      <//>
      <${Select} name="architecture" label=${say("architecture")} hint=${say("architectureHint")} options=${ARCHITECTURES.map((one) => [one, one])} />
      <div class="fields">
        ${NUMBER_NAMES.map((name) => html`<${Field} name=${name} label=${sayValue("train", name)} hint=${sayValue("hint", name)} error=${faults[name]}
          onInput=${() => setFaults({ ...faults, [name]: "" })} inputmode="decimal" autocomplete="off" defaultValue=${sayNumber(NUMBERS[name].first, NUMBERS[name].digits)} />`)}
        <${Select} name="optimizer" label=${say("train_optimizer")} options=${OPTIMIZERS.map((one) => [one, one])} />
      </div>
      <label class="tick"><input type="checkbox" name="class_balancing" defaultChecked=${true} />
        <span>${say("train_class_balancing")}<small>${say("hint_class_balancing")}</small></span></label>
      ${failed}
      <button class="primary" disabled=${busy}>${say(busy ? "sending" : "startTraining")}</button>
    </form>`;
};

/** @param {{argument: string}} props the id of a data set, or nothing */
export const View = ({ argument }) => html`
  <h1>${say("title_train")}</h1>
  <${Load} ask=${() => getAll("/datasets?limit=200")}>
    ${(/** @type {Api["DatasetSummary"][]} */ datasets) =>
      !datasets.some(isLargeEnough)
        ? html`<${Empty} title=${say(datasets.length ? "datasetsTooSmall" : "datasetsEmpty")}><p>${say("trainDatasetHint")}</p>
            <a class="button primary" href="#/add">${say("title_add")}</a><//>`
        : html`<p>${say("trainText")}</p><${TrainForm} datasets=${[...datasets].reverse()} chosen=${argument} />`}
  <//>`;
