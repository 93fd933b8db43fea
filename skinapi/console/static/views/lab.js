// @ts-check
// What several pages of the lab are built from.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Answer, Message, useAnswer } from "/console/components.js";
import { get } from "/console/api.js";
import { say, sayNumber } from "/console/language.js";

/**
 * A form for a job, or, where the server's workers lack what the job needs, what installs it.
 * @param {{children: any}} props
 */
export const IfInstalled = ({ children }) => {
  // Where that is unknown, the form is shown: a server of the version before has no such answer.
  const answer = useAnswer(() => get("/jobs/workers").catch(() => ({ missing: null })), []);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Api["WorkersView"]} */ { missing, install }) =>
        missing
          ? html`<${Message} kind="bad">${say("notInstalled", { library: missing })} <code>${install}</code><//>`
          : children}
    <//>`;
};

/** The state of a data set, a job or a model, in colour and words. @param {{state: string, words: string}} props */
export const StateBadge = ({ state, words }) => html`<span class="badge state-${state}">${words}</span>`;

/** Data sets that the API lists under a name are versions of one. @param {Api["DatasetSummary"]} dataset */
export const nameKey = (dataset) => dataset.name.normalize("NFC").toLowerCase();

/** @param {number} n */
export const sayPictures = (n) => (n === 1 ? say("onePicture") : say("nPictures", { n: sayNumber(n) }));
