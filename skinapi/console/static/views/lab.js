// @ts-check
// What several pages of the lab are built from.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { say, sayNumber } from "/console/language.js";
import { Polled, usePolling } from "/console/views/polling.js";

const LOOK_AGAIN_MS = 4000;

/** What a job would lack, and how it comes there. @param {{workers: Api["WorkersView"]}} props */
const Missing = ({ workers: { missing, install: command } }) => html`
  <section class="card install">
    <h2>${say("notInstalledTitle")}</h2>
    <p>${say("notInstalled", { library: missing ?? "" })}</p>
    <p>${say("installByHand")} <code>${command}</code></p>
  </section>`;

/** A form for a job; where the server's workers lack what the job needs, what installs it, until that is there. @param {{children: unknown}} props */
export const IfInstalled = ({ children }) => {
  // Where that is unknown, the form is shown.
  const polled = usePolling(() => get("/jobs/workers").catch(() => ({ missing: null })), [], ({ missing }) => missing !== null, LOOK_AGAIN_MS);
  return html`
    <${Polled} polled=${polled}>
      ${(/** @type {Api["WorkersView"]} */ workers) => (workers.missing ? html`<${Missing} workers=${workers} />` : children)}
    <//>`;
};

/** The state of a data set, a job or a model, in colour and words. @param {{state: string, words: string}} props */
export const StateBadge = ({ state, words }) => html`<span class="badge state-${state}">${words}</span>`;

/** Data sets that the API lists under a name are versions of one. @param {Api["DatasetSummary"]} dataset */
export const nameKey = (dataset) => dataset.name.normalize("NFC").toLowerCase();

/** With fewer test lesions, no figure says how good a model is. */
export const FEWEST_LESIONS = 100;

/** @param {number} n of test lesions */
export const sayTooFew = (n) => say("tooFewTested", { n: sayNumber(n) });

/** @param {number} n */
export const sayPictures = (n) => (n === 1 ? say("onePicture") : say("nPictures", { n: sayNumber(n) }));
