// What the model in service finds in a drawn picture.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, getSession } from "/console/api.js";
import { Load, Message } from "/console/components.js";
import { getLanguage, say } from "/console/language.js";
import { FindingPage } from "/console/views/finding.js";

export const View = () => html`
  <${Message}>${say("sampleText")} ${!getSession() && html`<a href="#/register">${say("title_register")}</a>`}<//>
  <${Load} ask=${() => Promise.all([get(apiPath`/sample?lang=${getLanguage()}`), getConditions()])} inputs=${[getLanguage()]}>
    ${(/** @type {[Api["SampleView"], Api["ConditionsView"]]} */ [sample, conditions]) => html`
      <${FindingPage} title=${say("title_sample")} report=${sample.report} finding=${sample} photo="/console/sample.jpg" conditions=${conditions} />`}
  <//>`;
