// What is said of models and their figures on several pages.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { say, sayNumber } from "/console/language.js";

/** The state of a model, or of what it is made of or by, in colour and words. @param {{state: string, words: string}} props */
export const StateBadge = ({ state, words }) => html`<span class="badge state-${state}">${words}</span>`;

/** With fewer test lesions, no figure says how good a model is. */
export const FEWEST_LESIONS = 100;

/** @param {number} n of test lesions */
export const sayTooFew = (n) => say("tooFewTested", { n: sayNumber(n) });
