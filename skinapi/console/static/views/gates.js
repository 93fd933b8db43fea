// @ts-check
// The gates of a promotion in words: what a model must not do worse than the one in service.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getConditions } from "/console/api.js";
import { Icon, useAnswer } from "/console/components.js";
import { colon, say, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";

/** @typedef {Api["Gate"]} Gate */

/** The gates of the sensitivity for a condition are called after it. */
const SENSITIVITY = "_sensitivity";
/** The gate that compares no figures. */
const OTHER_PICTURES = "other_pictures";

/** How a figure is said: in milliseconds, or as a share. @param {string} name @returns {(value: number) => string} */
function sayFigure(name) {
  if (name === "latency_ms") return (value) => `${sayNumber(value, 1)} ms`;
  return sayPercent;
}

/** A difference with its sign. @param {string} name @param {number} value */
const signed = (name, value) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${sayFigure(name)(Math.abs(value))}`;

/** @param {Gate} gate */
function sayGate({ name, outcome, basis, first, second, low, high }) {
  if (name === OTHER_PICTURES) return say(outcome === "passed" ? "gateOtherPassed" : "gateOtherWorse");
  if (basis === null || first === null || second === null || low === null || high === null) return "";
  const show = sayFigure(name);
  const paired = basis === "paired";
  const words = paired
    ? say("gatePaired", { first: show(first), second: show(second), low: signed(name, low), high: signed(name, high) })
    : say("gateFigures", { first: show(first), second: show(second), low: show(low), high: show(high) });
  const proven = paired ? low > 0 || high < 0 : second < low || second > high;
  return outcome === "worse" && !proven ? `${words} ${say("gateLoss")}` : words;
}

/** @param {string} name @param {Api["ConditionsView"]} [conditions] */
function titleOf(name, conditions) {
  if (!name.endsWith(SENSITIVITY)) return sayValue("gate", name);
  const condition = name.slice(0, -SENSITIVITY.length);
  return say("gateSensitivity", { name: conditions ? nameOf(conditions, condition) : condition });
}

/** @param {Gate} gate */
export const isPassed = ({ outcome }) => outcome === "passed";

/** What neither was compared nor is known otherwise. @param {Gate} gate */
export const isUnmeasured = ({ name, outcome }) => name !== OTHER_PICTURES && outcome === "not_measured";

/** @param {{gates: Gate[], conditions?: Api["ConditionsView"]}} props */
const List = ({ gates, conditions }) => html`
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
    ${passed.length > 0 && html`<details class="found" open=${passed.length === gates.length}>
      <summary>${say("gatesPassed", { n: sayNumber(passed.length) })}</summary><${List} gates=${passed} conditions=${conditions} /></details>`}`;
};
