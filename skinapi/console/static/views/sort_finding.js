// To which spot one's own finding belongs: asked in a dialog, with the spot that looks alike chosen, and both photos beside each other.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, put } from "/console/api.js";
import { Answer, Confirm, Field, Select, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
import { KeptPhoto } from "/console/lists.js";
import { AskPlace } from "/console/views/body_map.js";
import { nameOfSpot, spotOptions } from "/console/views/spot_points.js";

/** @typedef {{name: string, place: Place}} Fields of a spot */
/** @typedef {{id: number, photo_kept: boolean}} Sorted a finding */

/** Move a finding to a spot, or to a new one. Refused where it was sorted in another window meanwhile.
 * @param {number} number @param {string} was @param {string | null} spot */
const sortFinding = (number, was, spot) => put(apiPath`/submissions/${number}/lesion`, { lesion: spot, was });

/** The name and the place of a spot. @param {{name: string, place: Place, onChange: (changed: Partial<Fields>) => void}} props */
export const SpotFields = ({ name, place, onChange }) => html`
  <${AskPlace} place=${place} onPlace=${(/** @type {Place} */ chosen) => onChange({ place: chosen })} />
  <${Field} label=${say("spotName")} name="spot_name" hint=${say("spotNameHint")} value=${name} required=${false} maxlength="100"
    onInput=${(/** @type {FieldEvent} */ event) => onChange({ name: event.target.value })} />`;

/** What is sent of these fields. @param {Fields} fields */
export const spotOf = ({ name, place }) => {
  if (!place.site) throw new Error(say("spotNeedsPlace"));
  if (!place.laterality) throw new Error(say("spotNeedsSide"));
  return { name: name.trim() || null, place };
};

/** What is chosen for a finding (empty for a new spot), and `sort`, which keeps it.
 * @param {Sorted} finding @param {string} spot to which it belongs now @param {(error?: Failed | null) => void} onDone */
function useSorting(finding, spot, onDone) {
  const number = finding.id;
  const [picked, setPicked] = useState(/** @type {string | null} */ (null));
  const asked = useAnswer(() => get(apiPath`/submissions/${number}/lesion-proposals`), [number]);
  const proposed = /** @type {Api["ProposedLesionView"][]} */ (asked.value ?? []);
  const chosen = picked ?? proposed.find((one) => one.alike)?.id ?? ""; // the one that looks alike, unless somebody says otherwise
  const sort = () => sortFinding(number, spot, chosen || null).then(() => onDone(), onDone);
  return { asked, proposed, chosen, setPicked, sort };
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
 * @param {{sorting: ReturnType<typeof useSorting>, finding: Sorted, spot: string, spots: Api["LesionView"][]}} props */
const WhichSpot = ({ sorting: { asked, proposed, chosen, setPicked }, finding, spot, spots }) => {
  const near = new Set(proposed.map((one) => one.id));
  const others = spots.filter((one) => one.id !== spot && !near.has(one.id));
  const alike = proposed.filter((one) => one.alike);
  const atPlace = proposed.filter((one) => !one.alike);
  return html`
    <${Answer} answer=${asked}>
      ${() => html`
        <${Select} label=${say("whichSpot")} name="spot" value=${chosen} options=${[["", say("anotherSpot")]]} onChoose=${setPicked}
          hint=${alike.length > 0 ? say("spotsAlikeHint") : undefined}>
          ${alike.length > 0 && html`<optgroup label=${say("spotsAlike")}>${spotOptions(alike)}</optgroup>`}
          ${atPlace.length > 0 && html`<optgroup label=${say("spotsAtPlace")}>${spotOptions(atPlace)}</optgroup>`}
          ${others.length > 0 && html`<optgroup label=${say("otherSpots")}>${spotOptions(others)}</optgroup>`}
        <//>
        <${Beside} finding=${finding} alike=${alike} />`}
    <//>`;
};

/** As a dialog. @param {{finding: Sorted, spot: string, spots: Api["LesionView"][], onDone: (error?: Failed | null) => void, onClose: () => void}} props */
export const SortDialog = ({ finding, spot, spots, onDone, onClose }) => {
  const sorting = useSorting(finding, spot, onDone);
  return html`
    <${Confirm} title=${say("sortFinding", { number: finding.id })} confirm=${say("save")} kind="primary" onConfirm=${sorting.sort} onClose=${onClose}>
      <${WhichSpot} ...${{ sorting, finding, spot, spots }} />
    <//>`;
};
