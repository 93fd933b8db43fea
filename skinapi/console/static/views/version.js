// One model version: its figures, its history, and what an admin does with it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getConditions, getSession, post, remove } from "/console/api.js";
import { Change, Confirm, Field, Icon, Inside, Load, onValue, toast, useAnswer } from "/console/components.js";
import { colon, isolated, say, sayBytes, sayDate, sayNumber, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { StateBadge } from "/console/views/figures.js";
import { Learned, Limits, TakenBack, TestFigures } from "/console/views/model.js";
import { Fault, Gates, getModels, isPassed, isUnmeasured, sayHeadline } from "/console/views/models.js";

/** @typedef {"promote" | "override" | "rollback" | "delete"} Action */

/** An override needs a reason that says something; as the API has it. */
const LEAST_REASON = 10;
const WITH_REASON = new Set(["promote", "override", "rollback"]);

/** What each action sends. @param {Action} action @param {string} version @param {string} reason */
function send(action, version, reason) {
  const path = apiPath`/models/${version}`;
  const said = reason ? { reason } : {};
  if (action === "delete") return remove(path);
  if (action === "override") return post(`${path}/promote`, { reason, override: true });
  return post(action === "rollback" ? "/models/rollback" : `${path}/${action}`, said);
}

/** @param {Api["ModelSummaryView"] | undefined} model */
const sayModel = (model) => (model ? html`<code>${model.version}</code> (${sayHeadline(model.figures) || say("noFigures")})` : say("noModel"));

/** How it came into service, the newest first. @param {Api["ModelView"]} model */
const promotionsOf = ({ moves, version }) =>
  moves.filter((move) => move.action === "promote" && move.version === version).sort((one, other) => other.changed_at.localeCompare(one.changed_at));

/** Which version serves and which would, each with its figures; or the state before and after. @param {{model: Api["ModelView"], action: Action}} props */
const Before = ({ model, action }) => {
  const all = useAnswer(getModels, []).value;
  if (action === "delete") return html`<${Change} before=${sayValue("model", model.state)} after=${say("is_deleting")} />`;
  if (!all) return null;
  const serving = all.find(({ state }) => state === "serving");
  const [last] = promotionsOf(model);
  return html`<${Change} before=${sayModel(serving)} after=${sayModel(all.find(({ version, built_in }) => (action !== "rollback" ? version === model.version : last.previous ? version === last.previous : built_in)))} />`;
};

/** What is on the button of an action. @param {Action} action */
const sayAction = (action) => say(action === "delete" ? "delete" : `modelDo_${action}`);

/** @param {{model: Api["ModelView"], action: Action, onDone: () => void, onClose: () => void}} props */
const Question = ({ model, action, onDone, onClose }) => {
  const [reason, setReason] = useState("");
  const go = async () => {
    const said = reason.trim();
    if (action === "override" && said.length < LEAST_REASON) throw new ApiError(400, "reason", say("reasonTooShort", { n: String(LEAST_REASON) }));
    await send(action, model.version, said);
    toast(say(action === "override" ? "done_promote" : `done_${action}`, { version: model.version }));
    onDone();
  };
  return html`
    <${Confirm} title=${say(`modelTitle_${action}`)} confirm=${sayAction(action)} onConfirm=${go} onClose=${onClose}
      kind=${action === "promote" ? "primary" : "danger"}>
      <${Before} model=${model} action=${action} />
      <p>${say(`modelText_${action}`, { version: model.version })}</p>
      ${action === "override" && html`<${Gates} gates=${model.gates.filter((gate) => !isPassed(gate))} />`}
      ${WITH_REASON.has(action) &&
      html`<${Field} name="reason" label=${say(action === "override" ? "reason" : "reasonOptional")} maxlength="1000" autocomplete="off" onInput=${onValue(setReason)} />`}
    <//>`;
};

/** What can be done with a version in its state. @param {Api["ModelView"]} model @returns {Action[]} */
function actionsOn(model) {
  const { state, gates, size, built_in } = model;
  const stored = size > 0;
  if (state === "serving") return promotionsOf(model).length > 0 ? ["rollback"] : [];
  /** @type {Action[]} */
  const found = stored || built_in ? [gates.every(isPassed) ? "promote" : "override"] : [];
  if (stored) found.push("delete");
  return found;
}

/** @type {Record<Action, string>} */
const LOOK = { promote: "primary", override: "", rollback: "danger", delete: "danger" };

/** Researchers see, admins act. @param {{model: Api["ModelView"], onChange: () => void}} props */
const ModelActions = ({ model, onChange }) => {
  const [asked, setAsked] = useState(/** @type {Action | null} */ (null));
  if (getSession()?.role !== "admin") return null;
  const done = () => (asked === "delete" ? goTo("models") : onChange());
  return html`
    ${actionsOn(model).map((action) => html`<button class=${LOOK[action]} onClick=${() => setAsked(action)}>
      ${action === "delete" && html`<${Icon} name="trash" />`}${sayAction(action)}</button>`)}
    ${asked && html`<${Question} model=${model} action=${asked} onDone=${done} onClose=${() => setAsked(null)} />`}`;
};

const Origin = (/** @type {{model: Api["ModelView"]}} */ { model }) => {
  const facts = /** @type {[string, unknown][]} */ ([
    [say("architecture"), model.architecture],
    [say("addedAt"), sayDate(model.created_at)],
    [say("size"), model.size > 0 ? sayBytes(model.size) : say(model.built_in ? "builtIn" : "filesDeleted")],
    [say("parent"), model.parent && html`<a href="#/version/${model.parent}"><code>${model.parent}</code></a>`],
  ]);
  return html`<dl class="pairs">
    ${facts.filter(([, value]) => value).map(([title, value]) => html`<dt>${title}</dt><dd>${value}</dd>`)}
    <${Inside} place="version/origin" model=${model} />
  </dl>`;
};

/** What somebody does next who is no admin: have it measured, or ask an admin. @param {{model: Api["ModelView"]}} props */
const Next = ({ model }) => {
  const { gates } = model;
  if (gates.every(isPassed)) return html`<p>${say("nextPromote")}</p>`;
  if (!gates.some(isUnmeasured)) return html`<p>${say("nextWorse")}</p>`;
  return html`<p>${say("nextMeasure")}</p>
    <${Inside} place="version/next" model=${model} />`;
};

const GatesOf = (/** @type {{model: Api["ModelView"]}} */ { model }) => {
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

/** When it went into service and out of it, the newest first. @param {{model: Api["ModelView"]}} props */
const History = ({ model: { moves, version } }) =>
  moves.length > 0 && html`<section class="card">
    <h2>${say("historyOfModel")}</h2>
    <ul class="plain">
      ${[...moves].reverse().map((move) => html`<li>
        <time datetime=${move.changed_at}>${sayDate(move.changed_at)}</time>${colon()}${move.version === version || move.previous !== version ? sayValue("move", move.action) : say("move_replaced")}${move.override && html` (${say("withOverride")})`}
        ${move.reason && html`<br /><small>${say("reason")}${colon()}${isolated(move.reason)}</small>`}
      </li>`)}
    </ul>
  </section>`;

export const View = (/** @type {{argument: string}} */ { argument }) => html`
  <${Load} ask=${() => Promise.all([get(apiPath`/models/${argument}`), getConditions()])} inputs=${[argument]}>
    ${(/** @type {[Api["ModelView"], Api["ConditionsView"]]} */ [model, conditions], /** @type {() => void} */ reload) => html`
      <div class="row between"><h1 class="given">${model.version}</h1><${StateBadge} state=${model.state} words=${sayValue("model", model.state)} /></div>
      <${Fault} model=${model} />
      <${Origin} model=${model} />
      <${TakenBack} taken=${model.taken_back} />
      <div class="row">
        <${ModelActions} model=${model} onChange=${reload} />
      </div>
      <${GatesOf} model=${model} />
      <${TestFigures} card=${model.card} conditions=${conditions} />
      <${Limits} card=${model.card} folded=${true} />
      <${Learned} card=${model.card} conditions=${conditions} />
      <${History} model=${model} />`}
  <//>`;
