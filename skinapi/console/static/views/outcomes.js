// @ts-check
// What the model had said, against the laboratory's results.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Load } from "/console/components.js";
import { say, sayNumber, sayValue } from "/console/language.js";
import { OperatingCurves, Share } from "/console/views/operating_curve.js";

const SHARES = /** @type {const} */ (["named_sensitivity", "named_specificity", "sent_sensitivity", "sent_specificity"]);

/** @param {{version: string, figures: Api["ModelOutcomes"]}} props */
const OfModel = ({ version, figures }) => html`
  <section class="card">
    <h2>${say("outcomesOfModel", { version })}</h2>
    <dl class="pairs">
      <dt>${say("outcomeResults")}</dt>
      <dd>${sayNumber(figures.results)} <small>${say("outcomeMalignant", { n: sayNumber(figures.malignant) })}</small></dd>
      ${SHARES.map((name) => html`<dt>${sayValue("outcome", name)}</dt><dd><${Share} figure=${figures[name]} /></dd>`)}
    </dl>
  </section>`;

export const View = () => html`
  <h1>${say("title_outcomes")}</h1>
  <p>${say("outcomesText")}</p>
  <${Load} ask=${() => get("/outcomes?months=24")}>
    ${(/** @type {Api["OutcomesView"]} */ { models }) => html`
      ${Object.keys(models).length === 0 && html`<p>${say("outcomesEmpty")}</p>`}
      <${OperatingCurves} models=${models} />
      ${Object.entries(models).map(([version, figures]) => html`<${OfModel} key=${version} version=${version} figures=${figures} />`)}`}
  <//>`;
