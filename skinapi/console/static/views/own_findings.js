// @ts-check
// One's own findings as rows: each can be sorted to a spot, or deleted.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, remove } from "/console/api.js";
import { BandBadge, Confirm, Menu, toast } from "/console/components.js";
import { isolated, say, sayDate } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { bandOf, colourOf, DecisionLine, labelOfAdvice, waitsOf } from "/console/views/decision.js";
import { SortDialog } from "/console/views/sort_finding.js";
import { KeptPhoto } from "/console/views/thumbnail.js";

/** The lists of the API say in two ways when a finding was made. @typedef {Api["ListedFinding"] | Api["SummaryView"]} Own */

/** @param {Own} finding */
const madeAt = (finding) => ("created_at" in finding ? finding.created_at : `${finding.time.replace(" ", "T")}Z`);

/** What was said of a finding. @param {{one: Own, conditions: Api["ConditionsView"], past: boolean}} props */
const Said = ({ one, conditions, past }) => {
  const [band, waits] = [bandOf(one), waitsOf(one)];
  const badge = html`<${BandBadge} band=${past ? "none" : colourOf(band, waits)} label=${labelOfAdvice(conditions, band, waits)} />`;
  const decided = html`<${DecisionLine} decision=${one.decision} conditions=${conditions} />`;
  return past ? html`<details class="past"><summary>${say("saidThen")}</summary>${badge}${decided}</details>` : html`${decided}${badge}`;
};

/**
 * `spot` is the one that all of them belong to, or null. `counts` is the number of the finding about which
 * was said what is to be done now: what was said of the others is folded.
 * @param {{items: Own[], spot: string | null, spots: Api["LesionView"][], conditions: Api["ConditionsView"], onChange: (error?: Failed | null) => void,
 *   counts?: number}} props
 */
export const OwnFindings = ({ items, spot, spots, conditions, onChange, counts }) => {
  const [doomed, setDoomed] = useState(/** @type {Own | null} */ (null));
  const [sorted, setSorted] = useState(/** @type {Own | null} */ (null));
  const sort = say(spot ? "sortAgain" : "sort");
  const sortButton = (/** @type {Own} */ one) => html`<button class=${spot ? "quiet" : ""} aria-label=${`${sort} · ${one.id}`} onClick=${() => setSorted(one)}>${sort}</button>`;
  return html`
    <ul class="list own-findings">
      ${items.map((one) => html`
        <li key=${one.id}>
          <${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
          <div class="grow"><p><a href="#/finding/${one.id}">${say("title_finding")} ${one.id}</a> <small>${sayDate(madeAt(one), false)}</small></p>
            <${Said} one=${one} conditions=${conditions} past=${counts !== undefined && counts !== Number(one.id)} />${!spot && sortButton(one)}</div>
          <${Menu} name=${one.id} label=${say("moreAbout", { number: one.id })}>
            ${spot && sortButton(one)}
            <button class="quiet danger" aria-label=${`${say("delete")} ${one.id}`} onClick=${() => setDoomed(one)}>${say("delete")}</button><//>
        </li>`)}
    </ul>
    ${sorted && html`<${SortDialog} finding=${sorted} spot=${spot} spots=${spots} onDone=${onChange} onClose=${() => setSorted(null)} />`}
    ${doomed && html`<${Confirm} title=${say("deleteFinding")} confirm=${say("delete")} onClose=${() => setDoomed(null)}
      onConfirm=${async () => {
        await remove(apiPath`/submissions/${doomed.id}`);
        toast(say("deleted"));
        onChange();
      }}><p>${say("deleteFindingText", { number: doomed.id })}</p><//>`}`;
};

/** Those that were entered in error, crossed out. */
export const OwnErrors = () => html`
  <${Pages} pages=${usePages("/submissions/entered-in-error?limit=20")} empty=${null}>
    ${(/** @type {Api["ErrorView"][]} */ items) => html`<section class="own-errors">
      <h2>${say("enteredInError")}</h2>
      <p>${say("enteredInErrorText")}</p>
      <ul class="list">${items.map((one) => html`<li key=${one.id}><div class="grow">
        <p><del>${say("findingOf", { number: one.id, date: sayDate(one.filed_at, false) })}</del></p>
        <p>${isolated(one.reason)} <small>${sayDate(one.entered_in_error_at, false)}</small></p></div></li>`)}</ul>
    </section>`}
  <//>`;
