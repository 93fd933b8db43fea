// Why somebody should speak to a person before the account is deleted.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { Message } from "/console/components.js";
import { sayCount } from "/console/language.js";

/** What an erasure waits for. */
const KINDS = /** @type {const} */ (["review", "result", "telling"]);

/** What was to be settled with the person before; nothing where all is. @param {{unsettled: Partial<Record<string, number>>, title: string, after: string}} props */
export const Unsettled = ({ unsettled, title, after }) => {
  const counts = KINDS.flatMap((kind) => (unsettled[kind] ? [/** @type {const} */ ([kind, unsettled[kind]])] : []));
  return counts.length > 0 && html`
    <${Message} kind="bad"><p><strong>${title}</strong></p>
      <ul>${counts.map(([why, count]) => html`<li>${sayCount(`unsettled_${why}`, count ?? 0)}</li>`)}</ul>
      <p>${after}</p><//>`;
};
