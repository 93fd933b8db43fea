// @ts-check
// A question with a few answers, one of which is chosen.

import { html } from "/console/vendor/htm-preact-3.1.1.js";

/**
 * `chosen` stays the answer where `onChoose` hears of another one; without that it is the first one, which the form changes.
 * @param {{name: string, title: unknown, note?: unknown, hint?: string, options: [string, unknown][], chosen?: string | null, required?: boolean,
 *   onChoose?: (value: string) => void, children?: unknown}} props
 */
export const Chips = ({ name, title, note, hint, options, chosen, required = false, onChoose, children }) => html`
  <fieldset>
    <legend>${title}</legend>
    ${note}${hint && html`<small>${hint}</small>`}
    <div class="chips">
      ${options.map(([value, text]) => html`<label class="chip"><input type="radio" name=${name} value=${value} required=${required}
        ...${onChoose ? { checked: value === chosen, onChange: () => onChoose(value) } : { defaultChecked: value === chosen }} />${text}</label>`)}
    </div>
    ${children}
  </fieldset>`;
