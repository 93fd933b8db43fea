// @ts-check
// What the outputs of a network mean: one class for each, in their order.

import { html, useEffect, useRef } from "/console/vendor/htm-preact-3.1.1.js";
import { Icon } from "/console/components.js";
import { say, sayNumber } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";

/** The classes of HAM10000 in the order of their short names (akiec, bcc, bkl, …), as most networks have them. */
const HAM10000 = ["actinic_keratosis", "basal_cell_carcinoma", "benign_keratosis", "dermatofibroma", "melanoma", "melanocytic_nevus", "vascular_lesion"];
const FEWEST = 2;
/** It is no lesion, so it does not count as a benign one. */
const NO_LESION = "normal_skin";

/** What stands in the form at first. @param {Api["ConditionsView"]} conditions @param {string[]} [before] as they were asked for, perhaps in other words */
export function offeredLabels(conditions, before) {
  const keys = new Set(conditions.conditions.map(({ key }) => key));
  const known = before?.every((label) => keys.has(label));
  return known ? [.../** @type {string[]} */ (before)] : HAM10000.filter((key) => keys.has(key));
}

/** What is wrong with the labels, or nothing. @param {Api["ConditionsView"]} conditions @param {string[]} labels */
export function faultOfLabels(conditions, labels) {
  const twice = labels.find((label, place) => labels.indexOf(label) < place);
  if (twice) return say("labelTwice", { name: nameOf(conditions, twice) });
  const chosen = conditions.conditions.filter(({ key }) => labels.includes(key));
  if (!chosen.some(({ malignant }) => malignant)) return say("labelMalignant");
  return chosen.some(({ malignant, key }) => !malignant && key !== NO_LESION) ? "" : say("labelBenign");
}

/** @param {{labels: string[], conditions: Api["ConditionsView"], error: string, onChange: (labels: string[]) => void}} props */
export const Labels = ({ labels, conditions, error, onChange }) => {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const count = useRef(labels.length);
  const free = conditions.conditions.find(({ key }) => !labels.includes(key));
  const focus = (/** @type {number} */ place) => list.current?.querySelectorAll("select")[place]?.focus();
  useEffect(() => {
    if (labels.length > count.current) focus(labels.length - 1);
    count.current = labels.length;
  }, [labels.length]);
  const remove = (/** @type {number} */ place) => {
    focus(Math.min(place, labels.length - 2)); // the last button goes, and the focus would go with it
    onChange(labels.filter((_, other) => other !== place));
  };
  return html`
    <fieldset aria-describedby=${error ? "labels-hint labels-fault" : "labels-hint"}>
      <legend>${say("outputLabels")}</legend>
      <small id="labels-hint">${say("outputLabelsHint")}</small>
      <ol class="outputs" ref=${list}>
        ${labels.map((label, place) => {
          const n = sayNumber(place + 1);
          return html`<li>
            <label for="label-${place}">${say("outputN", { n })}</label>
            <select id="label-${place}" name="label-${place}" aria-invalid=${error ? "true" : null}
              onChange=${(/** @type {FieldEvent} */ event) => onChange(labels.with(place, event.target.value))}>
              ${conditions.conditions.map(({ key }) => html`<option value=${key} selected=${key === label}>${nameOf(conditions, key)}</option>`)}
            </select>
            ${labels.length > FEWEST &&
            html`<button type="button" class="quiet" aria-label=${say("removeOutputN", { n })} onClick=${() => remove(place)}>
              <${Icon} name="close" size=${16} /></button>`}
          </li>`;
        })}
      </ol>
      ${error && html`<small class="failed" id="labels-fault">${error}</small>`}
      ${free && html`<button type="button" onClick=${() => onChange([...labels, free.key])}>${say("addOutput")}</button>`}
    </fieldset>`;
};
