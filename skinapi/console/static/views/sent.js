// @ts-check
// The photo that was sent last: its finding can show it even where the server keeps none.

import { getSession, onSessionChange } from "/console/api.js";

const NONE = { number: "", photo: new Blob() };
let sent = NONE;
onSessionChange(() => {
  if (!getSession()) sent = NONE; // it is not for whoever is next
});

/** @param {string} number @param {Blob} photo */
export function rememberSentPhoto(number, photo) {
  sent = { number, photo };
}

/** A new address for the photo, for whoever shows it to revoke. @param {string} number */
export const addressOfSentPhoto = (number) =>
  sent.number === number ? URL.createObjectURL(sent.photo) : null;
