// @ts-check
// The model versions, the one in service first.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll } from "/console/api.js";
import { Empty, Icon, Load, Message } from "/console/components.js";
import { say, sayDate, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { FEWEST_LESIONS, sayTooFew, StateBadge } from "/console/views/lab.js";
import { TransferStatus, useTransfer } from "/console/views/transfer_status.js";

/** The one in service, then the one that judges in the background, then the newest. @type {Record<string, number>} */
const ORDER = { serving: 0, shadow: 1 };

/** @returns {Promise<Api["ModelSummaryView"][]>} */
export const getModels = async () =>
  (await getAll("/models?limit=200")).reverse().sort((one, other) => (ORDER[one.state] ?? 2) - (ORDER[other.state] ?? 2));

/**
 * What a list says of a model's own test: as its page does, where its record has that, with one picture of each lesion.
 * @param {Record<string, number>} figures
 */
const sayHeadline = ({ macro_auc, balanced_accuracy, lesions, by_lesion_macro_auc: auc, by_lesion_named_balanced_accuracy: accuracy }) => {
  if (lesions < FEWEST_LESIONS) return sayTooFew(lesions);
  const said = [
    (auc ?? macro_auc) !== undefined && `${say("measure_macro_auc")} ${sayPercent(auc ?? macro_auc)}`,
    (accuracy ?? balanced_accuracy) !== undefined &&
      `${say(accuracy === undefined ? "measure_balanced_accuracy" : "namedAccuracy")} ${sayPercent(accuracy ?? balanced_accuracy)}`,
  ].filter(Boolean);
  const on = auc === undefined ? say("onPictures") : say("onLesions", { n: sayNumber(lesions) });
  return said.length > 0 && [...said, on].join(" · ");
};

/** Why the server that answers does not serve a version as it should. @param {{model: Api["ModelSummaryView"]}} props */
export const Fault = ({ model }) =>
  model.fault && html`<${Message} kind="bad"><p>${say("modelFault")}</p><p lang="en"><small>${model.fault}</small></p><//>`;

/** @param {{model: Api["ModelSummaryView"]}} props */
const ModelRow = ({ model }) => html`
  <li class="whole">
    <div class="grow">
      <a class="cover" href="#/version/${model.version}"><code>${model.version}</code></a>
      <span>${sayHeadline(model.figures) || say("noFigures")}</span>
      <small>${[model.architecture, sayDate(model.created_at, false), model.built_in && say("builtIn")].filter(Boolean).join(" · ")}</small>
    </div>
    ${model.fault && html`<span class="badge state-failed"><${Icon} name="referral" size=${16} />${say("fault")}</span>`}
    <${StateBadge} state=${model.state} words=${sayValue("model", model.state)} />
  </li>`;

export const View = () => {
  const transfer = useTransfer();
  return html`
    <div class="row between"><h1>${say("title_models")}</h1>
      <div class="row"><a class="button" href="#/import"><${Icon} name="upload" />${say("title_import")}</a>
        <a class="button" href="#/compare">${say("compareTwo")}</a></div></div>
    ${transfer?.purpose.view === "import" && html`<${TransferStatus} transfer=${transfer} />`}
    <${Load} ask=${getModels}>
      ${(/** @type {Api["ModelSummaryView"][]} */ found) =>
        found.length === 0
          ? html`<${Empty} title=${say("modelsEmpty")}><p>${say("modelsEmptyText")}</p><//>`
          : html`${found.map((model) => html`<${Fault} model=${model} />`)}
              <ul class="list">${found.map((model) => html`<${ModelRow} key=${model._id} model=${model} />`)}</ul>`}
    <//>`;
};
