// What several pages of the lab are built from.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say, sayNumber } from "/console/language.js";

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
