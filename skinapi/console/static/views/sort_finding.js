// To which spot one's own finding belongs: asked in a dialog or on a page, with the spot that looks alike
// chosen, and both photos beside each other.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, newKey, post, put } from "/console/api.js";
import { Answer, Confirm, Failure, Field, Select, useAct, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
import { KeptPhoto } from "/console/lists.js";
import { AskPlace } from "/console/views/body_map.js";
import { placeOfRecent } from "/console/views/drafts.js";
import { nameOfSpot, spotOptions } from "/console/views/spot_points.js";

const NEW = "new";

/** @typedef {{name: string, place: Place}} Fields of a spot */
/** @typedef {{id: number, photo_kept: boolean}} Sorted a finding */

/** Give a finding to a spot, or to none. Refused where it was sorted in another window meanwhile.
 * @param {number} number @param {string | null} was @param {string | null} spot */
const sortFinding = (number, was, spot) => put(apiPath`/submissions/${number}/lesion`, { lesion: spot, was });

/** The name and the place of a spot. @param {{name: string, place: Place, onChange: (changed: Partial<Fields>) => void}} props */
export const SpotFields = ({ name, place, onChange }) => html`
  <${AskPlace} place=${place} onPlace=${(/** @type {Place} */ chosen) => onChange({ place: chosen })} />
  <${Field} label=${say("spotName")} name="spot_name" hint=${say("spotNameHint")} value=${name} required=${false} maxlength="100"
    onInput=${(/** @type {FieldEvent} */ event) => onChange({ name: event.target.value })} />`;

/** The place that was told with the photo; its point too, where the photo was just sent. @param {Api["FindingView"] | null} finding @returns {Place} */
const toldPlace = (finding) => {
  const recent = finding && placeOfRecent(finding.id);
  if (recent?.site) return recent;
  const { body_site: site, body_laterality: laterality, body_side: side } = finding?.context ?? {};
  return { site: site ?? "", laterality, side };
};

/** What is sent of these fields. @param {Fields} fields */
export const spotOf = ({ name, place }) => {
  if (!place.site) throw new Error(say("spotNeedsPlace"));
  if (!place.laterality) throw new Error(say("spotNeedsSide"));
  return { name: name.trim() || null, place };
};

/** What is chosen for a finding, and `sort`, which keeps it.
 * @param {Sorted} finding @param {string | null} spot to which it belongs now @param {Api["LesionView"][]} spots @param {(error?: Failed | null) => void} onDone */
function useSorting(finding, spot, spots, onDone) {
  const number = finding.id;
  const [picked, setPicked] = useState(/** @type {string | null} */ (null));
  const [changed, setChanged] = useState(/** @type {Fields | null} */ (null));
  const [key] = useState(newKey);
  /** @type {() => Promise<[Api["ProposedLesionView"][], Api["FindingView"]]>} */
  const ask = () => Promise.all([get(apiPath`/submissions/${number}/lesion-proposals`), get(apiPath`/submissions/${number}`)]);
  const asked = useAnswer(ask, [number]);
  const [proposed, whole] = asked.value ?? [[], null];
  const chosen = picked ?? proposed.find((one) => one.alike)?.id ?? (spots.length > 0 ? "" : NEW); // the one that looks alike, unless somebody says otherwise
  const fields = changed ?? { name: "", place: toldPlace(whole) };
  const sort = async () => {
    const made = chosen === NEW ? await post("/lesions", spotOf(fields), key) : null;
    await sortFinding(number, spot, made?.id ?? (chosen || null)).then(() => onDone(), onDone);
  };
  return { asked, proposed, chosen, setPicked, fields, setChanged, sort };
}

/** The photo of a finding beside those of the spots that look alike. @param {{finding: Sorted, alike: Api["ProposedLesionView"][]}} props */
const Beside = ({ finding, alike }) =>
  alike.length > 0 && html`
    <div class="row alike">
      <figure><${KeptPhoto} number=${finding.id} kept=${finding.photo_kept} /><figcaption>${say("title_finding")} ${finding.id}</figcaption></figure>
      ${alike.map((one) => one.latest && html`
        <figure><${KeptPhoto} number=${one.latest.id} kept=${one.latest.photo_kept} /><figcaption>${nameOfSpot(one)}</figcaption></figure>`)}
    </div>`;

/** The question: the spots at its place first.
 * @param {{sorting: ReturnType<typeof useSorting>, finding: Sorted, spot: string | null, spots: Api["LesionView"][]}} props */
const WhichSpot = ({ sorting: { asked, proposed, chosen, setPicked, fields, setChanged }, finding, spot, spots }) => {
  const near = new Set(proposed.map((one) => one.id));
  const others = spots.filter((one) => one.id !== spot && !near.has(one.id));
  const alike = proposed.filter((one) => one.alike);
  const atPlace = proposed.filter((one) => !one.alike);
  return html`
    <${Answer} answer=${asked}>
      ${() => html`
        <${Select} label=${say("whichSpot")} name="spot" value=${chosen} options=${[["", say("noSpot")]]} onChoose=${setPicked}
          hint=${alike.length > 0 ? say("spotsAlikeHint") : undefined}>
          ${alike.length > 0 && html`<optgroup label=${say("spotsAlike")}>${spotOptions(alike)}</optgroup>`}
          ${atPlace.length > 0 && html`<optgroup label=${say("spotsAtPlace")}>${spotOptions(atPlace)}</optgroup>`}
          ${others.length > 0 && html`<optgroup label=${say("otherSpots")}>${spotOptions(others)}</optgroup>`}
          <option value=${NEW} selected=${chosen === NEW}>${say("anotherSpot")}</option>
        <//>
        <${Beside} finding=${finding} alike=${alike} />
        ${chosen === NEW &&
        html`<${SpotFields} ...${fields} onChange=${(/** @type {Partial<Fields>} */ changed) => setChanged({ ...fields, ...changed })} />`}`}
    <//>`;
};

/** As a dialog. @param {{finding: Sorted, spot: string | null, spots: Api["LesionView"][], onDone: (error?: Failed | null) => void, onClose: () => void}} props */
export const SortDialog = ({ finding, spot, spots, onDone, onClose }) => {
  const sorting = useSorting(finding, spot, spots, onDone);
  return html`
    <${Confirm} title=${say("sortFinding", { number: finding.id })} confirm=${say("save")} kind="primary" onConfirm=${sorting.sort} onClose=${onClose}>
      <${WhichSpot} ...${{ sorting, finding, spot, spots }} />
    <//>`;
};

/** As a part of the page of a finding without a spot. @param {{finding: Sorted, spots: Api["LesionView"][], onDone: (error?: Failed | null) => void}} props */
export const SortCard = ({ finding, spots, onDone }) => {
  const sorting = useSorting(finding, null, spots, onDone);
  const { run, busy, error } = useAct();
  return html`
    <section class="card" aria-labelledby="sort-title">
      <h2 id="sort-title">${say("whichOfYours")}</h2>
      <${WhichSpot} ...${{ sorting, finding, spot: null, spots }} />
      ${error && html`<${Failure} error=${error} />`}
      <button class="primary" disabled=${busy || sorting.asked.loading} onClick=${() => run(sorting.sort)}>${say("save")}</button>
    </section>`;
};
