// What this tab remembers: what was typed and not sent, the photos sent last.

import { DRAFTS_KEY, getSession, onSessionChange } from "/console/api.js";

/** @template T @typedef {{names: () => string[], get: (about: string) => T | undefined, set: (about: string, draft: T) => void, delete: (about: string) => void}} Drafts */

/** @template T @param {string} place @returns {[string, T][]} */
function recall(place) {
  try {
    const { email, typed } = JSON.parse(sessionStorage.getItem(place) ?? "{}");
    return email === getSession()?.email ? typed : [];
  } catch {
    return [];
  }
}

/** A place for it in this tab, by what it is about. `name` is of the form. @template T @param {string} name @returns {Drafts<T>} */
export function keepDrafts(name) {
  const place = `${DRAFTS_KEY}${name}`;
  /** @type {Map<string, T>} */
  const typed = new Map(recall(place));
  onSessionChange(() => {
    if (!getSession()) typed.clear(); // it is not for whoever is next; `changePerson` has forgotten the rest
  });
  const keep = () => {
    try {
      sessionStorage.setItem(place, JSON.stringify({ email: getSession()?.email, typed: [...typed] }));
    } catch {} // it is full: until a reload it is in memory
  };
  return {
    names: () => [...typed.keys()],
    get: (about) => typed.get(about),
    set: (about, draft) => {
      typed.set(about, draft);
      keep();
    },
    delete: (about) => {
      typed.delete(about);
      keep();
    },
  };
}

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
