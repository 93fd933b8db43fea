// How a model version comes to be measured.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say } from "/console/language.js";

export const View = (/** @type {{model: Api["ModelView"]}} */ { model: { dataset } }) =>
  dataset && html`<a class="button primary" href="#/train/${dataset}">${say("nextTrain")}</a>`;
