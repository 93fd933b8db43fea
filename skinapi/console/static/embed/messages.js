// @ts-check
// What the page in the frame and the site around it tell each other: docs/integrate/embed.md has the table.
// Only the origins that the operator lists are told anything, or heard.

/** Of these messages; each has it as `skinapi`. */
const VERSION = 1;

/** @param {string} name */
export const metaOf = (name) => document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";

export const origins = metaOf("origins").split(" ").filter(Boolean);
export const isFramed = parent !== window;

/** The origin of the site around: known from the browser, or once that site has said something. */
let site = origins.find((one) => one === location.ancestorOrigins?.[0]);

/** @typedef {"ready" | "captured" | "finding" | "refused" | "expiring" | "expired" | "step" | "height"} Event */

/** A browser delivers it where the site around has that origin, and nowhere else. @param {Event} type @param {Record<string, string | number>} [values] */
export function tell(type, values = {}) {
  if (!isFramed) return;
  for (const origin of site ? [site] : origins) parent.postMessage({ skinapi: VERSION, type, ...values }, origin);
}

/** @typedef {{key: string, language: string | null}} Handed */

/** The message that hands a session key, if it is one. @param {any} data @returns {Handed | null} */
function readKey(data) {
  if (data?.skinapi !== VERSION || data.type !== "key" || typeof data.key !== "string") return null;
  return { key: data.key, language: typeof data.language === "string" ? data.language : null };
}

/** @param {(handed: Handed) => void} take what a listed site hands; anything else is ignored */
export function hear(take) {
  const listen = (/** @type {MessageEvent} */ { origin, source, data }) => {
    if (!isFramed || source !== parent || !origins.includes(origin)) return;
    const handed = readKey(data);
    if (!handed) return;
    site = origin;
    take(handed);
  };
  addEventListener("message", listen);
  return () => removeEventListener("message", listen);
}
