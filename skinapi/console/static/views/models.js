// The model versions, the one in service first, and the gates of a promotion in words.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll, getConditions } from "/console/api.js";
import { Empty, Icon, Load, Message, useAnswer } from "/console/components.js";
import { colon, say, sayDate, sayMeasured, sayNumber, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";
import { FEWEST_LESIONS, sayTooFew, StateBadge } from "/console/views/figures.js";

/** @typedef {Api["Gate"]} Gate */

/** The gates of the sensitivity for a condition are called after it. */
const SENSITIVITY = "_sensitivity";
const OTHER_PICTURES = "other_pictures";

/** A difference in percentage points, with its sign. @param {number} value */
const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${sayNumber(Math.abs(100 * value), 1)}`;

function sayGate(/** @type {Gate} */ { name, outcome, first, second, low, high }) {
  if (name === OTHER_PICTURES) return say(outcome === "passed" ? "gateOtherPassed" : "gateOtherWorse");
  if (first === null || second === null || low === null || high === null) return "";
  const words = say("gatePaired", { first: sayMeasured(first), second: sayMeasured(second), low: signed(low), high: signed(high) });
  const proven = low > 0 || high < 0;
  return outcome === "worse" && !proven ? `${words} ${say("gateLoss")}` : words;
}

/** @param {string} name @param {Api["ConditionsView"]} [conditions] */
function titleOf(name, conditions) {
  if (!name.endsWith(SENSITIVITY)) return sayValue("gate", name);
  const condition = name.slice(0, -SENSITIVITY.length);
  return say("gateSensitivity", { name: conditions ? nameOf(conditions, condition) : condition });
}

export const isPassed = (/** @type {Gate} */ { outcome }) => outcome === "passed";

/** What neither was compared nor is known otherwise. @param {Gate} gate */
export const isUnmeasured = ({ name, outcome }) => name !== OTHER_PICTURES && outcome === "not_measured";

const List = (/** @type {{gates: Gate[], conditions?: Api["ConditionsView"]}} */ { gates, conditions }) => html`
  <ul class="gates">
    ${gates.map((gate) => html`<li class=${isPassed(gate) ? "passed" : "open"}>
      <${Icon} name=${isPassed(gate) ? "check" : "close"} />
      <div><strong>${titleOf(gate.name, conditions)}${colon()}${say(/** @type {WordKey} */ (`outcome_${gate.outcome}`))}</strong>
        <small>${sayGate(gate)}</small></div>
    </li>`)}
  </ul>`;

/** What is worse first, then in one sentence what is not measured; what is passed can be opened. @param {{gates: Gate[]}} props */
export const Gates = ({ gates }) => {
  const conditions = useAnswer(getConditions, []).value;
  const [passed, unmeasured] = [gates.filter(isPassed), gates.filter(isUnmeasured)];
  const open = gates.filter((gate) => !isPassed(gate) && !isUnmeasured(gate));
  const names = unmeasured.map(({ name }) => titleOf(name, conditions)).join(", ");
  return html`
    ${open.length > 0 && html`<${List} gates=${open} conditions=${conditions} />`}
    ${unmeasured.length > 0 && html`<p>${say("gateNotMeasured", { names })}</p>`}
    ${passed.length > 0 && html`<details class="found">
      <summary>${say("gatesPassed", { n: sayNumber(passed.length) })}</summary><${List} gates=${passed} conditions=${conditions} /></details>`}`;
};

/** The one in service, then the newest. @returns {Promise<Api["ModelSummaryView"][]>} */
export const getModels = async () =>
  (await getAll("/models?limit=200")).reverse().sort((one, other) => Number(other.state === "serving") - Number(one.state === "serving"));

/** What a list says of a model's own test: as its page does, where its record has that, with one picture of each lesion.
 * @param {Record<string, number>} figures */
export const sayHeadline = ({ macro_auc, balanced_accuracy, lesions, by_lesion_macro_auc: auc, by_lesion_named_balanced_accuracy: accuracy }) => {
  if (lesions < FEWEST_LESIONS) return sayTooFew(lesions);
  const said = [
    (auc ?? macro_auc) !== undefined && `${say("measure_macro_auc")} ${sayMeasured(auc ?? macro_auc)}`,
    (accuracy ?? balanced_accuracy) !== undefined &&
      `${say(accuracy === undefined ? "measure_balanced_accuracy" : "measure_named_balanced_accuracy")} ${sayMeasured(accuracy ?? balanced_accuracy)}`,
  ].filter(Boolean);
  const on = auc === undefined ? say("onPictures") : say("onLesions", { n: sayNumber(lesions) });
  return said.length > 0 && [...said, on].join(" · ");
};

/** Why the server that answers does not serve a version as it should. @param {{model: Api["ModelSummaryView"]}} props */
export const Fault = ({ model }) =>
  model.fault && html`<${Message} kind="bad"><p>${say("modelFault")}</p><p lang="en"><small>${model.fault}</small></p><//>`;

const ModelRow = (/** @type {{model: Api["ModelSummaryView"]}} */ { model }) => html`
  <li class="whole">
    <div class="grow">
      <a class="cover" href="#/version/${model.version}"><code>${model.version}</code></a>
      <span>${sayHeadline(model.figures) || say("noFigures")}</span>
      <small>${[model.architecture, sayDate(model.created_at, false), model.built_in && say("builtIn")].filter(Boolean).join(" · ")}</small>
    </div>
    ${model.fault && html`<span class="badge state-failed"><${Icon} name="referral" size=${16} />${say("fault")}</span>`}
    <${StateBadge} state=${model.state} words=${sayValue("model", model.state)} />
  </li>`;

export const View = () => html`
  <h1>${say("title_models")}</h1>
  <${Load} ask=${getModels}>
    ${(/** @type {Api["ModelSummaryView"][]} */ found) =>
      found.length === 0
        ? html`<${Empty} title=${say("modelsEmpty")} />`
        : html`${found.map((model) => html`<${Fault} model=${model} />`)}
            <ul class="list">${found.map((model) => html`<${ModelRow} key=${model._id} model=${model} />`)}</ul>`}
  <//>`;
