// @ts-check
// What one agrees to, and may take back.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";
import { keep } from "/console/views/keep_box.js";

export const CONSENTS = /** @type {const} */ ([
  ["photos", "consentPhotos", "consentPhotosText", "agreedPhotos"],
  ["llm", "consentLlm", "consentLlmText", "agreedLlm"],
  ["training", "consentTraining", "consentTrainingText", "agreedTraining"],
]);

/** @param {{me: Api["Me"], onChange: () => void}} props */
export const MyConsents = ({ me, onChange }) => html`
  <section class="card">
    <h2>${say("consents")}</h2>
    ${CONSENTS.map(([name, title, text]) => html`
      <label class="tick"><input type="checkbox" defaultChecked=${me.consents[name] ?? false}
        onChange=${(/** @type {FieldEvent} */ event) => keep("/me/consents", name, event.target, onChange)} />
        <span>${say(title)}<br /><small>${say(text)}</small></span></label>`)}
  </section>`;
