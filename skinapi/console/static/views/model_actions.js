// @ts-check
// What an admin does with a model version: into service and back, in the background, retired, deleted.

import { html, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, getSession, post, remove } from "/console/api.js";
import { Confirm, Field, Icon, toast } from "/console/components.js";
import { say } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { Gates, isPassed } from "/console/views/gates.js";

/** @typedef {"promote" | "override" | "rollback" | "retire" | "shadow" | "endShadow" | "delete"} Action */

/** An override needs a reason that says something; as the API has it. */
const LEAST_REASON = 10;
/** The question of each action: the keys of its title, its text and its button. @type {Record<Action, [string, string, string]>} */
const QUESTIONS = {
  promote: ["promoteTitle", "promoteText", "promote"],
  override: ["overrideTitle", "overrideText", "overrideButton"],
  rollback: ["rollbackTitle", "rollbackText", "rollback"],
  retire: ["retireTitle", "retireText", "retire"],
  shadow: ["shadowTitle", "shadowText", "shadow"],
  endShadow: ["endShadowTitle", "endShadowText", "endShadow"],
  delete: ["deleteModelTitle", "deleteModelText", "delete"],
};
const HARMLESS = new Set(["promote", "shadow"]);
const WITH_REASON = new Set(["promote", "override", "rollback", "retire"]);

/** @param {Action} action @param {string} version @param {string} reason */
function send(action, version, reason) {
  const said = reason ? { reason } : {};
  switch (action) {
    case "promote":
      return post(apiPath`/models/${version}/promote`, said);
    case "override":
      return post(apiPath`/models/${version}/promote`, { reason, override: true });
    case "rollback":
      return post("/models/rollback", said);
    case "retire":
      return post(apiPath`/models/${version}/retire`, said);
    case "shadow":
      return post(apiPath`/models/${version}/shadow`);
    case "endShadow":
      return remove(apiPath`/models/${version}/shadow`);
    case "delete":
      return remove(apiPath`/models/${version}`);
  }
}

/** @param {{model: Api["ModelView"], action: Action, onDone: () => void, onClose: () => void}} props */
const Question = ({ model, action, onDone, onClose }) => {
  const reason = useRef("");
  const [fault, setFault] = useState("");
  const [title, text, button] = QUESTIONS[action];
  const go = async () => {
    const said = reason.current.trim();
    if (action === "override" && said.length < LEAST_REASON) {
      setFault(say("reasonTooShort", { n: String(LEAST_REASON) }));
      throw new ApiError(400, "reason", say("reasonNeeded"));
    }
    await send(action, model.version, said);
    toast(say(/** @type {WordKey} */ (`done_${action}`), { version: model.version }));
    onDone();
  };
  return html`
    <${Confirm} title=${say(/** @type {WordKey} */ (title))} confirm=${say(/** @type {WordKey} */ (button))} onConfirm=${go} onClose=${onClose}
      kind=${HARMLESS.has(action) ? "primary" : "danger"}>
      <p>${say(/** @type {WordKey} */ (text), { version: model.version })}</p>
      ${action === "override" && html`<${Gates} gates=${model.gates.filter((gate) => !isPassed(gate))} />`}
      ${WITH_REASON.has(action) &&
      html`<${Field} name="reason" label=${say(action === "override" ? "reason" : "reasonOptional")} error=${fault} maxlength="1000" autocomplete="off"
        onInput=${(/** @type {FieldEvent} */ event) => (reason.current = event.target.value)} />`}
    <//>`;
};

/** What can be done with a version in its state. @param {Api["ModelView"]} model @returns {Action[]} */
function actionsOn({ state, gates, size, built_in }) {
  const stored = size > 0;
  if (state === "serving") return ["rollback"];
  if (state === "shadow") return [gates.every(isPassed) ? "promote" : "override", "endShadow"];
  /** @type {Action[]} */
  const found = stored || built_in ? [gates.every(isPassed) ? "promote" : "override"] : [];
  if (stored) found.push("shadow");
  if (state === "candidate") found.push("retire");
  if (stored) found.push("delete");
  return found;
}

/** @type {Record<Action, string>} */
const LOOK = { promote: "primary", override: "", rollback: "danger", retire: "quiet", shadow: "", endShadow: "", delete: "danger" };

/** Researchers see, admins act. @param {{model: Api["ModelView"], onChange: () => void}} props */
export const ModelActions = ({ model, onChange }) => {
  const [asked, setAsked] = useState(/** @type {Action | null} */ (null));
  if (getSession()?.role !== "admin") return null;
  const done = () => (asked === "delete" ? goTo("models") : onChange());
  return html`
    ${actionsOn(model).map((action) => html`<button class=${LOOK[action]} onClick=${() => setAsked(action)}>
      ${action === "delete" && html`<${Icon} name="trash" />`}${say(/** @type {WordKey} */ (QUESTIONS[action][2]))}</button>`)}
    ${asked && html`<${Question} model=${model} action=${asked} onDone=${done} onClose=${() => setAsked(null)} />`}`;
};
