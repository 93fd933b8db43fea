// @ts-check
// What is shown for an address that names no view.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Empty } from "/console/components.js";
import { say } from "/console/language.js";

export const View = () => html`
  <${Empty} title=${say("title_missing")}>
    <p>${say("missingText")}</p>
    <a class="button" href="#/">${say("toFirstPage")}</a>
  <//>`;
