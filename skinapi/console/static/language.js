// The language of the console, and its words. Medical words come from the API.

/** @typedef {keyof Api["LocalizedText"]} Language */

const KEY = "skinapi.language";
/** What each language calls itself. The first is for a reader of none of them. @type {Record<Language, string>} */
const NAMES = JSON.parse(document.querySelector("meta[name=languages]")?.getAttribute("content") ?? "{}");
const LANGUAGES = /** @type {Language[]} */ (Object.keys(NAMES));

let language = readLanguage();
let forStaff = false;
/** The words that were fetched. @type {Partial<Record<Language, Record<string, string>>>} */
const words = {};
/** What was asked for, by its file. @type {Record<string, Promise<Record<string, string>>>} */
const files = {};
await readWords(language);
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {string} file @returns {Promise<Record<string, string>>} */
async function ask(file) {
  const answer = await fetch(`/console/${file}.json`);
  if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
  return answer.json();
}

/** Without them the page is empty, so they are asked for twice. @param {string} file */
function readFile(file) {
  files[file] ??= ask(file).catch(() => ask(file));
  files[file].catch(() => delete files[file]);
  return files[file];
}

/** Only the words that are read are fetched. @param {Language} one */
async function readWords(one) {
  const [forAll, staffs] = await Promise.all([readFile(`words.${one}`), forStaff ? readFile(`words.staff.${one}`) : null]);
  words[one] = { ...forAll, ...staffs };
}

/** From now on, fetch the words of the pages that no patient opens too. */
export function readStaffWords() {
  forStaff = true;
  return readWords(language);
}

export const getLanguage = () => language;

/** The ones that are not read now, or are not this one. @param {string} [than] */
export const otherLanguages = (than = language) => LANGUAGES.filter((one) => one !== than);

/** The language with this code, or null: what another site says may be anything. @param {string | null} code */
export const asLanguage = (code) => LANGUAGES.find((one) => one === code) ?? null;

/** A language in its own words. @param {Language} one */
export const nameOfLanguage = (one) => NAMES[one];

/** A language in the words of the one that is read. @param {string} one */
export const sayLanguage = (one) => new Intl.DisplayNames(language, { type: "language" }).of(one) ?? one;

/** How the reader's country writes dates and numbers in this language, such as "en-GB". */
const locale = () => navigator.languages.find((one) => one.split("-")[0] === language) ?? language;

export function onLanguageChange(/** @type {() => void} */ listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Settles once its words are there; fails where they cannot be fetched. @param {Language} next */
export async function setLanguage(next) {
  await readWords(next);
  language = next;
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

/** The one that was chosen, or the browser's. @returns {Language} */
function readLanguage() {
  const known = [localStorage.getItem(KEY), navigator.language.split("-")[0]].filter((one) => one && Object.hasOwn(NAMES, one));
  return /** @type {Language} */ (known[0] ?? LANGUAGES[0]);
}

/** Embeddings, overrides and isolates of direction, and separators of lines: names of old may have them. */
const REACHING = /[\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;
/** What is written from right to left, and the marks that act like it. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200e\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** What somebody has typed, such as a name, so that it reorders nothing around it. @param {string} text */
export function isolated(text) {
  const plain = text.replace(REACHING, "");
  return RIGHT_TO_LEFT.test(plain) ? `\u2068${plain}\u2069` : plain;
}

const table = () => /** @type {Record<WordKey, string>} */ (words[language]);

/** The console's words for this key, with `{name}` filled in. A value that ends in a dot, such as "11 déc.", ends its sentence.
 * @param {WordKey} key @param {Record<string, string | number | null | undefined>} [values] */
export function say(key, values = {}) {
  return table()[key].replace(/\{(\w+)\}(\.?)/g, (_, name, dot) => {
    const value = isolated(String(values[name] ?? ""));
    return value.endsWith(".") ? value : value + dot;
  });
}

export const hasWords = (/** @type {string} */ key) => key in table();

/** The same for a key that is put together from an API's value; the value itself where the console
 * has no words for it. @param {string} group @param {string} value */
export const sayValue = (group, value) => {
  const key = /** @type {WordKey} */ (`${group}_${value}`);
  return hasWords(key) ? say(key) : value;
};

/** Every value of such a group that the console has words for. @param {string} group */
export const valuesOf = (group) =>
  Object.keys(table())
    .filter((key) => key.startsWith(`${group}_`))
    .map((key) => key.slice(group.length + 1));

export const colon = () => say("colon");

/** The part of a table of the API that is in this language.
 * @template T @param {{[language: string]: T} | {en: T, fr: T} | null | undefined} said @returns {T | ""} */
export const said = (said) => said?.[language] ?? "";

/** @param {string} moment @param {boolean} [withTime] */
export function sayDate(moment, withTime = true) {
  return written(new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: withTime ? "short" : undefined }), moment);
}

/** @param {Intl.DateTimeFormat} format @param {string} moment */
const written = (format, moment) =>
  format
    .formatToParts(new Date(moment))
    .map(({ type, value }) => (type === "day" && value === "1" ? say("firstOfMonth") : value))
    .join("");

const UNITS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
]);

// In a week from a Friday, "by Friday" reads as today.
const COUNTED_DAYS = 14;

/** The same of a day on which something is to be done: with its weekday, the year where it is another one, and in how many days that is, where it is near. @param {string} day */
export function sayDueDay(day) {
  const year = day.slice(0, 4) === today().slice(0, 4) ? undefined : "numeric";
  const due = written(new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", year, timeZone: "UTC" }), day);
  const days = (Date.parse(day) - Date.parse(today())) / 86_400_000;
  return Math.abs(days) > COUNTED_DAYS ? due : `${due} (${new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(days, "day")})`;
}

/** A day without its year, where that is this one. @param {string} moment */
export const sayShortDay = (moment) => {
  const year = new Date(moment).getFullYear() === new Date().getFullYear() ? {} : { year: /** @type {const} */ ("numeric") };
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", ...year, ...(moment.length === 10 && { timeZone: "UTC" }) }).format(new Date(moment));
};

/** The day where one is, written as the API writes a day. */
export const today = () => new Date().toLocaleDateString("sv");

/** How long ago, in the largest whole unit; `narrow` says that it waits for so long. @param {string} moment @param {"long" | "narrow"} [style] */
export function sayAge(moment, style = "long") {
  const seconds = (Date.now() - new Date(moment).getTime()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS[UNITS.length - 1];
  const count = Math.floor(seconds / size);
  if (unit === "second") return say("justNow");
  if (style === "narrow") return say("waitsFor", { time: new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "narrow" }).format(count) });
  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-count, unit);
}

/** After how long, never too early; "later" where that is not known. @param {number} seconds */
export function sayWait(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ["second", 0];
  if (!size) return say("later");
  return new Intl.RelativeTimeFormat(locale()).format(Math.ceil(seconds / size), unit);
}

/** About how long something takes, in the largest unit that it fills twice: else 95 seconds would be 2 minutes. @param {number} seconds */
export function sayDuration(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= 2 * size) ?? UNITS[UNITS.length - 1];
  const step = unit === "second" ? 10 : size;
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format((Math.max(1, Math.round(seconds / step)) * step) / size);
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte"];

export function sayBytes(/** @type {number} */ bytes) {
  const step = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const format = new Intl.NumberFormat(locale(), { style: "unit", unit: SIZES[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: 1 });
  return format.format(bytes / 1000 ** step);
}

/** @param {number} value @param {number} [digits] behind the decimal point */
export const sayNumber = (value, digits = 0) =>
  new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** A number with its noun, in the singular or the plural. @param {string} nouns @param {number} count */
export const sayCount = (nouns, count) => {
  const key = new Intl.PluralRules(language).select(count) === "one" ? `one_${nouns}` : `many_${nouns}`;
  return say(/** @type {WordKey} */ (key), { count: sayNumber(count) });
};

/** What stands one after the other in a sentence: "a, b and c". @param {string[]} parts */
export const sayList = (parts) => new Intl.ListFormat(locale()).format(parts);

const LEAST_SHARE = 0.01; // as the server's

/** A probability of a finding, as the server's `say_share` says it: in whole numbers, that of a cancer rounded up,
 * so that it never falls below a threshold that it passed.
 * @param {number} share between 0 and 1 @param {boolean} malignant */
export function sayShare(share, malignant) {
  const format = new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 });
  if (share < LEAST_SHARE) return `<${format.format(LEAST_SHARE)}`;
  if (share > 1 - LEAST_SHARE && share < 1) return `>${format.format(1 - LEAST_SHARE)}`;
  const percent = Math.round(1e8 * share) / 1e6; // 0.07 is not 7.000000000000001 %
  return format.format((malignant ? Math.ceil(percent) : Math.round(percent)) / 100);
}

/** A figure of a test or a count. Never quite 0 or 100 where it is not that. @param {number} share between 0 and 1 @param {number} [digits] behind the decimal point, at most */
export function sayPercent(share, digits = 1, least_digits = 0) {
  const format = new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: least_digits, maximumFractionDigits: digits });
  const least = 0.01 / 10 ** digits;
  // An interval's end may miss 1 by a rounding.
  if (1 - share > 1e-9 && share > 1 - least) return `> ${format.format(1 - least)}`;
  return share > 0 && share < least ? `< ${format.format(least)}` : format.format(share);
}

/** A share beside its interval: both have one digit, also where that is 0. @param {number} share */
export const sayMeasured = (share) => sayPercent(share, 1, 1);

/** @param {number} low @param {number} high */
export const sayInterval = (low, high) => `${sayMeasured(low)} – ${sayMeasured(high)}`;
