// @ts-check
// What several pages of the lab are built from.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say, sayNumber } from "/console/language.js";

/** The state of a data set, a job or a model, in colour and words. @param {{state: string, words: string}} props */
export const StateBadge = ({ state, words }) => html`<span class="badge state-${state}">${words}</span>`;

/** Data sets that the API lists under a name are versions of one. @param {any} dataset */
export const nameKey = (dataset) => dataset.name.normalize("NFC").toLowerCase();

/** @param {number} n */
export const sayPictures = (n) => (n === 1 ? say("onePicture") : say("nPictures", { n: sayNumber(n) }));
