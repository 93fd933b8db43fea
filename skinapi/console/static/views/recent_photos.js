// @ts-check
// The photos that were sent last: their finding can show them even where the server keeps none.

import { getSession, onSessionChange } from "/console/api.js";

const NONE = { number: "", photos: /** @type {Blob[]} */ ([]) };
let sent = NONE;
onSessionChange(() => {
  if (!getSession()) sent = NONE; // it is not for whoever is next
});

/** @param {string} number @param {Blob[]} photos */
export function rememberPhotos(number, photos) {
  sent = { number, photos };
}

/** A new address for one of the photos, for whoever shows it to revoke. @param {string} number @param {number} place */
export const addressOfRecentPhoto = (number, place) =>
  sent.number === number && sent.photos[place] ? URL.createObjectURL(sent.photos[place]) : null;

/** @param {number} number */
export const wasJustSent = (number) => sent.number === String(number);
