// What several pages of the lab say of data sets.

import { say, sayNumber } from "/console/language.js";

/** Data sets that the API lists under a name are versions of one. @param {Api["DatasetSummary"]} dataset */
export const nameKey = (dataset) => dataset.name.normalize("NFC").toLowerCase();

/** @param {number} n */
export const sayPictures = (n) => (n === 1 ? say("onePicture") : say("nPictures", { n: sayNumber(n) }));
