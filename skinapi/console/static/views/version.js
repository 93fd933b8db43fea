// @ts-check
// One model version: its figures, its gates, what it did in the background, and its history.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, getSession } from "/console/api.js";
import { Answer, Load, Message, useAnswer } from "/console/components.js";
import { colon, isolated, say, sayBytes, sayDate, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { StateBadge } from "/console/views/lab.js";
import { labelOfBand, nameOf } from "/console/views/finding.js";
import { Gates, isPassed, isUnmeasured } from "/console/views/gates.js";
import { Learned, Limits, TakenBack, TestFigures } from "/console/views/model.js";
import { ModelActions } from "/console/views/model_actions.js";
import { Fault } from "/console/views/models.js";
import { Table } from "/console/views/tables.js";

const DISAGREEMENTS = 20;

/** @param {{model: Api["ModelView"]}} props */
const Origin = ({ model }) => {
  const facts = /** @type {[string, unknown][]} */ ([
    [say("architecture"), model.architecture],
    [say("addedAt"), sayDate(model.created_at)],
    [say("size"), model.size > 0 ? sayBytes(model.size) : say(model.built_in ? "builtIn" : "filesDeleted")],
    [say("parent"), model.parent && html`<a href="#/version/${model.parent}"><code>${model.parent}</code></a>`],
    [say("title_dataset"), model.dataset && html`<a href="#/dataset/${model.dataset}">${say("trainedOn")}</a>`],
    [model.dataset ? say("job_training") : sayValue("job", "import"), model.job && html`<a href="#/job/${model.job}"><code>${model.job}</code></a>`],
  ]);
  return html`<dl class="pairs">
    ${facts.filter(([, value]) => value).map(([title, value]) => html`<dt>${title}</dt><dd>${value}</dd>`)}
  </dl>`;
};

/** What somebody does next who is no admin: have it measured, or ask an admin. @param {{model: Api["ModelView"]}} props */
const Next = ({ model: { gates, dataset } }) => {
  if (gates.every(isPassed)) return html`<p>${say("nextPromote")}</p>`;
  if (!gates.some(isUnmeasured)) return html`<p>${say("nextWorse")}</p>`;
  return html`<p>${say("nextMeasure")}</p>
    <a class="button primary" href=${dataset ? `#/train/${dataset}` : "#/import"}>${say(dataset ? "nextTrain" : "nextImport")}</a>`;
};

/** @param {{model: Api["ModelView"]}} props */
const GatesOf = ({ model }) => {
  const { gates, comparison, reference_comparison: reference, on_current_reference: current } = model;
  if (gates.length === 0) return null;
  const passed = gates.filter(isPassed).length;
  return html`
    <section class="card">
      <h2>${say("gatesTitle")}</h2>
      <p>${say(passed === gates.length ? "gatesAllPassed" : "gatesOpen", { n: sayNumber(passed), all: sayNumber(gates.length) })}</p>
      <${Gates} gates=${gates} />
      ${model.state === "candidate" && getSession()?.role !== "admin" && html`<${Next} model=${model} />`}
      ${[comparison, reference].flatMap((one) => one ?? []).map(
        (one) => html`<p><small>${say(one === reference ? "comparedOnReference" : "comparedOn", {
          pictures: sayNumber(one.pictures),
          lesions: sayNumber(one.lesions),
          version: one.first_version,
          date: sayDate(one.measured_at, false),
        })}${one === reference && !current && ` ${say("comparedOnOther")}`}</small></p>`,
      )}
    </section>`;
};

/** @param {{rows: Api["Disagreement"][], conditions: Api["ConditionsView"]}} props */
const Disagreements = ({ rows, conditions }) => {
  const found = (/** @type {string | null} */ band, /** @type {string | null} */ label) =>
    band && label ? `${labelOfBand(conditions, band)}; ${nameOf(conditions, label)}` : say("shadowRefused");
  return html`
    <${Table} title=${say("disagreements")} rows=${rows} columns=${/** @type {Column<Api["Disagreement"]>[]} */ ([
      [say("when"), (row) => html`<time datetime=${row.created_at}>${sayDate(row.created_at)}</time>`],
      [say("inService"), (row) => found(row.band, row.label)],
      [say("inBackground"), (row) => found(row.shadow_band, row.shadow_label)],
      [say("largestDifference"), (row) => (row.largest_difference === null ? "–" : sayPercent(row.largest_difference))],
    ])} />`;
};

/** What it did in the background. @param {{model: Api["ModelView"], conditions: Api["ConditionsView"]}} props */
const Shadow = ({ model, conditions }) => {
  const counts = useAnswer(() => get(apiPath`/models/${model.version}/shadow`), [model]);
  const pages = usePages(`${apiPath`/models/${model.version}/disagreements`}?limit=${DISAGREEMENTS}`);
  return html`
    <${Answer} answer=${counts}>
      ${(/** @type {Api["ShadowView"]} */ { active, judged, other_band, other_label, refused, dropped }) => {
        if (!active && judged === 0) return null;
        const rows = { judged, other_band, other_label, refused, dropped };
        return html`
          <section class="card">
            <h2>${say("inBackground")}</h2>
            <p>${say(active ? "shadowActive" : "shadowEnded")}</p>
            <dl class="pairs">
              ${Object.entries(rows).map(([name, n]) => html`<dt>${say(/** @type {WordKey} */ (`shadow_${name}`))}</dt>
                <dd>${sayNumber(n)}${name !== "judged" && name !== "dropped" && judged > 0 && html` <small>(${sayPercent(n / judged)})</small>`}</dd>`)}
            </dl>
            <h3>${say("disagreements")}</h3>
            <${Pages} pages=${pages} empty=${html`<p>${say("noDisagreements")}</p>`}>
              ${(/** @type {Api["Disagreement"][]} */ items) => html`<${Disagreements} rows=${items} conditions=${conditions} />`}
            <//>
          </section>`;
      }}
    <//>`;
};

/** When it went into service and out of it, and how its state changed; the newest first. @param {Api["ModelView"]} model */
function eventsOf({ moves, changes, version, built_in }) {
  const said = [
    ...moves.map((move) => ({
      at: move.changed_at,
      what: move.version === version || move.previous !== version ? `move_${move.action}` : "move_replaced",
      reason: move.reason,
      override: move.override,
    })),
    ...changes.map(({ changed_at, state, reason }, place) => ({
      at: changed_at,
      what: built_in && place === 0 ? "change_recorded" : `change_${state}`,
      reason,
      override: false,
    })),
  ];
  return said.sort((one, other) => other.at.localeCompare(one.at));
}

/** @param {{model: Api["ModelView"]}} props */
const History = ({ model }) => html`
  <section class="card">
    <h2>${say("historyOfModel")}</h2>
    <ul class="plain">
      ${eventsOf(model).map(({ at, what, reason, override }) => html`<li>
        <time datetime=${at}>${sayDate(at)}</time>${colon()}${say(/** @type {WordKey} */ (what))}${override && html` (${say("withOverride")})`}
        ${reason && html`<br /><small>${say("reason")}${colon()}${isolated(reason)}</small>`}
      </li>`)}
    </ul>
  </section>`;

/** @param {{argument: string}} props */
export const View = ({ argument }) => html`
  <${Load} ask=${() => Promise.all([get(apiPath`/models/${argument}`), getConditions()])} inputs=${[argument]}>
    ${(/** @type {[Api["ModelView"], Api["ConditionsView"]]} */ [model, conditions], /** @type {() => void} */ reload) => html`
      <div class="row between"><h1>${model.version}</h1><${StateBadge} state=${model.state} words=${sayValue("model", model.state)} /></div>
      <${Fault} model=${model} />
      ${model.state === "serving" && !model.fault && html`<${Message} kind="good">${say("servesNow")}<//>`}
      <${Origin} model=${model} />
      <${TakenBack} taken=${model.taken_back} />
      <div class="row">
        ${model.state !== "serving" && html`<a class="button" href="#/compare/${model.version}">${say("compareWithServing")}</a>`}
        <${ModelActions} model=${model} onChange=${reload} />
      </div>
      <${GatesOf} model=${model} />
      <${Shadow} model=${model} conditions=${conditions} />
      <${TestFigures} card=${model.card} conditions=${conditions} folded=${true} />
      <${Limits} card=${model.card} folded=${true} />
      <${Learned} card=${model.card} conditions=${conditions} folded=${true} />
      <${History} model=${model} />`}
  <//>`;
