// @ts-check
// Spots on the body map and in the list beneath it: one's own, or a patient's.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { BandBadge } from "/console/components.js";
import { isolated, say, sayDate } from "/console/language.js";
import { Turn } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { BodyMap, Marker, sayPlace } from "/console/views/body_map.js";
import { bandOfSpot, colourOf, DecisionLine, labelOfAdvice, UnjudgedBadge, waitsOfSpot } from "/console/views/decision.js";
import { labelOfBand } from "/console/views/finding.js";
import { KeptPhoto } from "/console/views/thumbnail.js";

/** What a spot is called: its name, or where it is. @param {Pick<Api["LesionView"], "name" | "place">} spot */
export const nameOfSpot = (spot) => (spot.name ? isolated(spot.name) : sayPlace(spot.place));

/** Spots in a list to choose from. @param {Api["LesionView"][]} spots */
export const spotOptions = (spots) =>
  spots.map((spot) => html`<option value=${spot.id}>${spot.name ? `${nameOfSpot(spot)} · ${sayPlace(spot.place)}` : nameOfSpot(spot)}</option>`);

/** Spots as points, numbered in the order of the API. @param {Api["LesionView"][]} spots */
const pointsOf = (spots) =>
  spots.map((spot, index) => ({
    id: spot.id,
    number: index + 1,
    name: nameOfSpot(spot),
    band: spot.latest ? bandOfSpot(spot) : "none",
    place: spot.place,
  }));

/** So many of them are listed at once. */
const PAGE = 10;

/**
 * `view` is the page of a spot.
 * @param {{spots: Api["LesionView"][], conditions: Api["ConditionsView"], view: "spot" | "course", actions?: (spot: Api["LesionView"]) => unknown}} props
 */
export const SpotPoints = ({ spots, conditions, view, actions }) => {
  const [first, setFirst] = useState(0);
  const points = pointsOf(spots);
  const badge = (/** @type {Api["LesionView"]} */ spot) => {
    const [band, waits] = [bandOfSpot(spot), waitsOfSpot(spot)];
    if (view === "course" && waits === "photo") return html`<${UnjudgedBadge} />`;
    if (view === "course") return html`<${BandBadge} band=${band} label=${labelOfBand(conditions, band)} />`;
    return html`<${BandBadge} band=${colourOf(band, waits)} label=${labelOfAdvice(conditions, band, waits)} />`;
  };
  return html`
    <div class="columns spots">
      <${BodyMap} points=${points} onPoint=${(/** @type {string} */ id) => goTo(`${view}/${id}`)} />
      <div><ol class="list">
        ${spots.slice(first, first + PAGE).map((spot, at) => {
          const [index, { latest }] = [first + at, spot];
          return html`
            <li key=${spot.id}>
              <${Marker} point=${points[index]} />
              ${latest && html`<${KeptPhoto} number=${latest.id} kept=${latest.photo_kept} />`}
              <div class="grow">
                <a href="#/${view}/${spot.id}"><span class="hidden">${index + 1}. </span>${nameOfSpot(spot)}</a>
                <small>${[spot.name && sayPlace(spot.place), !spot.place.laterality && say("sideMissing"), latest ? sayDate(latest.created_at, false) : say("noPhotoYet")].filter(Boolean).join(" · ")}</small>
                ${latest && html`<${DecisionLine} decision=${latest.decision} conditions=${conditions} />`}
              </div>
              ${latest && badge(spot)}
              ${actions?.(spot)}
            </li>`;
        })}
      </ol>
      <${Turn} back=${first > 0 && (() => setFirst(first - PAGE))} on=${first + PAGE < spots.length && (() => setFirst(first + PAGE))} /></div>
    </div>`;
};
