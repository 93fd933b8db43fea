// @ts-check
// One's own findings as rows: each can be sorted to a spot, or deleted.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, newKey, post, put, remove } from "/console/api.js";
import { Answer, BandBadge, Confirm, Field, Icon, toast, useAnswer } from "/console/components.js";
import { say, sayDate } from "/console/language.js";
import { AskPlace } from "/console/views/body_map.js";
import { bandOf, DecisionLine } from "/console/views/decision.js";
import { labelForPatient } from "/console/views/finding.js";
import { nameOfSpot, spotOptions } from "/console/views/spot_points.js";
import { KeptPhoto } from "/console/views/thumbnail.js";

const NEW = "new";

/** @typedef {import("/console/views/body_map.js").Place} Place */
/** @typedef {{name: string, place: Place}} Fields of a spot */

/** The lists of the API say in two ways when a finding was made. @typedef {Api["ListedFinding"] | Api["SummaryView"]} Own */

/** @param {Own} finding */
const madeAt = (finding) => ("created_at" in finding ? finding.created_at : `${finding.time.replace(" ", "T")}Z`);

/**
 * Give a finding to a spot, or to none. Refused where it was sorted in another window meanwhile.
 * @param {number} number @param {string | null} was @param {string | null} spot
 */
export const sortFinding = (number, was, spot) => put(apiPath`/submissions/${number}/lesion`, { lesion: spot, was });

/** The name and the place of a spot. @param {{name: string, place: Place, onChange: (changed: Partial<Fields>) => void}} props */
export const SpotFields = ({ name, place, onChange }) => html`
  <${AskPlace} place=${place} onPlace=${(/** @type {Place} */ chosen) => onChange({ place: chosen })} />
  <${Field} label=${say("spotName")} name="spot_name" hint=${say("spotNameHint")} value=${name} required=${false} maxlength="100"
    onInput=${(/** @type {FieldEvent} */ event) => onChange({ name: event.target.value })} />`;

/** The place that was told with the photo. @param {Api["SubmissionView"] | null} finding @returns {Place} */
const toldPlace = (finding) => {
  const { body_site: site, body_laterality: laterality, body_side: side } = finding?.context ?? {};
  return { site: site ?? "", laterality, side };
};

/** What is sent of these fields. @param {Fields} fields */
export const spotOf = ({ name, place }) => {
  if (!place.site) throw new Error(say("spotNeedsPlace"));
  if (!place.laterality) throw new Error(say("spotNeedsSide"));
  return { name: name.trim() || null, place };
};

/**
 * To which spot a finding belongs: those at its place first.
 * @param {{finding: Own, spot: string | null, spots: Api["LesionView"][], onDone: (error?: Failed | null) => void, onClose: () => void}} props
 */
export const SortDialog = ({ finding, spot, spots, onDone, onClose }) => {
  const number = finding.id;
  const [picked, setPicked] = useState(/** @type {string | null} */ (null));
  const [fields, setFields] = useState(/** @type {Fields | null} */ (null));
  const [key] = useState(newKey);
  /** @type {() => Promise<[Api["ProposedLesionView"][], Api["SubmissionView"]]>} */
  const ask = () => Promise.all([get(apiPath`/submissions/${number}/lesion-proposals`), get(apiPath`/submissions/${number}`)]);
  const asked = useAnswer(ask, [number]);
  const [proposed, whole] = asked.value ?? [[], null];
  const near = new Set(proposed.map((one) => one.id));
  const others = spots.filter((one) => one.id !== spot && !near.has(one.id));
  const alike = proposed.filter((one) => one.alike);
  const atPlace = proposed.filter((one) => !one.alike);
  const chosen = picked ?? alike[0]?.id ?? ""; // the one that looks alike, unless somebody says otherwise
  const described = fields ?? { name: "", place: toldPlace(whole) };
  const sort = async () => {
    const made = chosen === NEW ? await post("/lesions", spotOf(described), key) : null;
    await sortFinding(number, spot, made?.id ?? (chosen || null)).then(() => onDone(), onDone);
  };
  return html`
    <${Confirm} title=${say("sortFinding", { number })} confirm=${say("save")} kind="primary" onConfirm=${sort} onClose=${onClose}>
      <${Answer} answer=${asked}>
        ${() => html`
          <div class="field"><label for="chosen-spot">${say("whichSpot")}</label>
            <select id="chosen-spot" name="spot" value=${chosen} aria-describedby=${alike.length > 0 ? "alike-hint" : null} onChange=${(/** @type {FieldEvent} */ event) => setPicked(event.target.value)}>
              <option value="">${say("noSpot")}</option>
              ${alike.length > 0 && html`<optgroup label=${say("spotsAlike")}>${spotOptions(alike)}</optgroup>`}
              ${atPlace.length > 0 && html`<optgroup label=${say("spotsAtPlace")}>${spotOptions(atPlace)}</optgroup>`}
              ${others.length > 0 && html`<optgroup label=${say("otherSpots")}>${spotOptions(others)}</optgroup>`}
              <option value=${NEW}>${say("newSpot")}</option>
            </select>${alike.length > 0 && html`<small id="alike-hint">${say("spotsAlikeHint")}</small>`}</div>
          ${alike.length > 0 &&
          html`<div class="row alike">
            <figure><${KeptPhoto} number=${number} kept=${finding.photo_kept} /><figcaption>${say("title_finding")} ${number}</figcaption></figure>
            ${alike.map((one) => one.latest && html`
              <figure><${KeptPhoto} number=${one.latest.id} kept=${one.latest.photo_kept} /><figcaption>${nameOfSpot(one)}</figcaption></figure>`)}
          </div>`}
          ${chosen === NEW &&
          html`<${SpotFields} ...${described} onChange=${(/** @type {Partial<Fields>} */ changed) => setFields({ ...described, ...changed })} />`}`}
      <//>
    <//>`;
};

/** What was said of a finding. @param {{one: Own, conditions: Api["ConditionsView"], past: boolean}} props */
const Said = ({ one, conditions, past }) => {
  const band = bandOf(one);
  const badge = html`<${BandBadge} band=${past ? "none" : band} label=${labelForPatient(conditions, band)} />`;
  const decided = html`<${DecisionLine} decision=${one.decision} conditions=${conditions} />`;
  return past ? html`<details class="past"><summary>${say("saidThen")}</summary>${badge}${decided}</details>` : html`${decided}${badge}`;
};

/**
 * `spot` is the one that all of them belong to, or null. `counts` is the number of the finding about which
 * was said what is to be done now: what was said of the others is folded. `onDrag` hears which finding is
 * being dragged.
 * @param {{items: Own[], spot: string | null, spots: Api["LesionView"][], conditions: Api["ConditionsView"], onChange: (error?: Failed | null) => void,
 *   counts?: number, onDrag?: (finding: Own) => void}} props
 */
export const OwnFindings = ({ items, spot, spots, conditions, onChange, counts, onDrag }) => {
  const [doomed, setDoomed] = useState(/** @type {Own | null} */ (null));
  const [sorted, setSorted] = useState(/** @type {Own | null} */ (null));
  const sort = say(spot ? "sortAgain" : "sort");
  const drag = onDrag && !matchMedia("(pointer: coarse)").matches;
  return html`
    <ul class="list">
      ${items.map(
        (one) => html`
          <li key=${one.id} draggable=${drag ? "true" : "false"} onDragStart=${drag && (() => onDrag(one))}>
            <${KeptPhoto} number=${one.id} kept=${one.photo_kept} />
            <div class="grow"><a href="#/finding/${one.id}" draggable="false">${say("title_finding")} ${one.id}</a>
              <small>${sayDate(madeAt(one))}</small>
              <${Said} one=${one} conditions=${conditions} past=${counts !== undefined && counts !== Number(one.id)} /></div>
            <span class="row">
              <button class="quiet" aria-label=${`${sort} · ${one.id}`} onClick=${() => setSorted(one)}>${sort}</button>
              <button class="quiet" aria-label=${`${say("delete")} ${one.id}`} onClick=${() => setDoomed(one)}>
                <${Icon} name="trash" /></button></span>
          </li>`,
      )}
    </ul>
    ${sorted &&
    html`<${SortDialog} finding=${sorted} spot=${spot} spots=${spots} onDone=${onChange} onClose=${() => setSorted(null)} />`}
    ${doomed &&
    html`<${Confirm} title=${say("deleteFinding")} confirm=${say("delete")} onClose=${() => setDoomed(null)}
      onConfirm=${async () => {
        await remove(apiPath`/submissions/${doomed.id}`);
        toast(say("deleted"));
        onChange();
      }}><p>${say("deleteFindingText", { number: doomed.id })}</p><//>`}`;
};
