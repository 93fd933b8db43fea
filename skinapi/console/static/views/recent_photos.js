// @ts-check
// The photos that were sent last, and the point that was tapped for them: their finding can show them even where
// the server keeps none.

import { getSession, onSessionChange } from "/console/api.js";

const NONE = { number: "", photos: /** @type {Blob[]} */ ([]), place: /** @type {Place | null} */ (null) };
let sent = NONE;
onSessionChange(() => {
  if (!getSession()) sent = NONE; // it is not for whoever is next
});

/** @param {string} number @param {Blob[]} photos @param {Place} place */
export function rememberPhotos(number, photos, place) {
  sent = { number, photos, place };
}

/** A new address for one of the photos, for whoever shows it to revoke. @param {string} number @param {number} place */
export const addressOfRecentPhoto = (number, place) =>
  sent.number === number && sent.photos[place] ? URL.createObjectURL(sent.photos[place]) : null;

/** The place as it was told with the photo, with its point: the server is told none. @param {number} number */
export const placeOfRecent = (number) => (sent.number === String(number) ? sent.place : null);

/** @param {number} number */
export const wasJustSent = (number) => sent.number === String(number);
