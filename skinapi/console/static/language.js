// @ts-check
// The language of the console, and its words. Medical words come from the API.

import { english } from "/console/words.en.js";
import { french } from "/console/words.fr.js";

/** @typedef {"en" | "fr"} Language */

const KEY = "skinapi.language";
const WORDS = { en: english, fr: french };

/** @type {Language} */
let language = readLanguage();
/** @type {Set<() => void>} */
const listeners = new Set();

export const getLanguage = () => language;

/** @param {() => void} listener */
export function onLanguageChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @param {Language} next */
export function setLanguage(next) {
  language = next;
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

/** @returns {Language} */
function readLanguage() {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "fr") return kept;
  return navigator.language.startsWith("fr") ? "fr" : "en";
}

/**
 * The console's words for this key, with `{name}` filled in.
 * @param {keyof typeof english} key @param {Record<string, string | number>} [values]
 */
export function say(key, values = {}) {
  return WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/**
 * The same for a key that is put together from an API's value; the value itself where the console
 * has no words for it. @param {string} group @param {string} value
 */
export const sayValue = (group, value) =>
  WORDS[language][/** @type {keyof typeof english} */ (`${group}_${value}`)] ?? value;

/** The part of a table of the API that is in this language. @param {any} said */
export const said = (said) => said?.[language] ?? "";

/** @param {string} moment @param {boolean} [withTime] */
export function sayDate(moment, withTime = true) {
  const day = { day: "numeric", month: "short", year: "numeric" };
  const time = withTime ? { hour: "2-digit", minute: "2-digit" } : {};
  // @ts-ignore (the options are spread from plain objects)
  return new Intl.DateTimeFormat(language, { ...day, ...time }).format(new Date(moment));
}

/** How long ago, in the largest whole unit. @param {string} moment */
export function sayAge(moment) {
  const seconds = (Date.now() - new Date(moment).getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, size] of /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ]))
    if (seconds >= size) return format.format(-Math.floor(seconds / size), unit);
  return say("justNow");
}

/** @param {number} value @param {number} [digits] behind the decimal point */
export const sayNumber = (value, digits = 0) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** @param {number} share between 0 and 1 */
export function sayPercent(share) {
  const format = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  return share > 0 && share < 0.001 ? `< ${format.format(0.001)}` : format.format(share);
}
