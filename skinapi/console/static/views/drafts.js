// @ts-check
// What was typed and not sent: it is there when one comes back, until one logs out.

import { getSession, onSessionChange } from "/console/api.js";

/** A place for it, by what it is about. @template T @returns {Map<string, T>} */
export function keepDrafts() {
  /** @type {Map<string, T>} */
  const typed = new Map();
  onSessionChange(() => {
    if (!getSession()) typed.clear(); // it is not for whoever is next
  });
  return typed;
}
