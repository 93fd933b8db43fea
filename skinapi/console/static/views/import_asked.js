// @ts-check
// What an import was asked for, and why it was refused.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getConditions } from "/console/api.js";
import { Load, sayError } from "/console/components.js";
import { hasWords, isolated, say, sayNumber, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";

/** What an error means to whoever imports a network; the general words are about other things. @param {Failed} error */
export function sayImportFault(error) {
  if (error.status === 413) return say("networkTooLarge");
  return hasWords(`import_${error.code}`) ? sayValue("import", error.code) : sayError(error);
}

/** @param {{request: Pick<AskedOf["import"], "labels" | "scaling" | "side" | "licence">}} props */
export const ImportAsked = ({ request }) => html`
  <section class="card">
    <h2>${say("askedFor")}</h2>
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`<dl class="pairs">
        ${request.labels.map((label, place) => html`<dt>${say("outputN", { n: sayNumber(place + 1) })}</dt><dd>${isolated(nameOf(table, label))}</dd>`)}
        <dt>${say("scaling")}</dt><dd><code>${request.scaling}</code></dd>
        ${request.side && html`<dt>${say("inputSide")}</dt><dd>${sayNumber(request.side)}</dd>`}
        <dt>${say("licence")}</dt><dd>${isolated(request.licence)}</dd>
      </dl>`}
    <//>
  </section>`;
