// Where one spot is: asked where its side is missing, and shown on the body.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, patch } from "/console/api.js";
import { BandBadge, Failure, Message, useAct, useAnswer } from "/console/components.js";
import { isolated, say, sayDate, sayValue } from "/console/language.js";
import { KeptPhoto, Turn } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { BodyMap, lateralitiesOf, Marker, PlaceMap, sayPlace, TWO_SIDED } from "/console/views/body_map.js";
import { AdviceLine, colourOf, Due, labelOfAdvice, sayRemoved } from "/console/views/decision.js";
import { labelOfBand } from "/console/views/finding.js";

/** Asks its owner on which side a spot is, where that is not known. @param {{spot: Api["LesionView"], onDone: () => void}} props */
export const AskSide = ({ spot, onDone }) => {
  const { run, error } = useAct();
  const { place } = spot;
  if (!place || place.laterality) return null;
  /** @param {string} laterality */
  const choose = (laterality) => run(() => patch(apiPath`/lesions/${spot.id}`, { place: { ...place, laterality } }).then(onDone));
  return html`
    <${Message}>
      <p><strong>${say("sideOfSpot")}</strong></p>
      <div class="row">${lateralitiesOf(place.site).map((one) => html`<button onClick=${() => choose(one)}>${sayValue("side", one)}</button>`)}</div>
      ${error && html`<${Failure} error=${error} />`}
    <//>`;
};

/** The place of a spot in words and on the body. @param {{spot: Api["LesionView"]}} props */
export const SpotPlace = ({ spot }) => spot.place && html`
  <figure class="place">
    <${PlaceMap} place=${spot.place} band=${spot.instruction?.band} />
    <figcaption>${[spot.name && sayPlace(spot.place), !spot.place.laterality && say("sideMissing")].filter(Boolean).join(" · ")}</figcaption>
  </figure>`;

/** What a spot is called: its name, or where it is, if that was told. @param {Pick<Api["LesionView"], "name" | "place">} spot */
export const nameOfSpot = (spot) => (spot.name ? isolated(spot.name) : spot.place ? sayPlace(spot.place) : say("placeNotTold"));

/** Why a spot has no photo. @param {Api["LesionView"]} spot */
const sayNoPhoto = ({ deleted }) => (deleted ? sayRemoved(deleted) : say("noPhotoYet"));

/** Spots in a list to choose from. @param {Api["LesionView"][]} spots */
export const spotOptions = (spots) =>
  spots.map((spot) => html`<option value=${spot.id}>${nameOfSpot(spot)} · ${spot.name && spot.place ? sayPlace(spot.place) : sayDate(spot.created_at, false)}</option>`);

/** Spots as points, numbered in the order of the API. @param {Api["LesionView"][]} spots */
const pointsOf = (spots) =>
  spots.map((spot, index) => ({
    id: spot.id,
    number: index + 1,
    name: nameOfSpot(spot),
    band: spot.instruction?.band ?? "none",
    place: spot.place ?? { site: "" },
  }));

const PAGE = 10;

/** `view` is the page of a spot. `told`: those of which the page says already what is to be done.
 * @param {{spots: Api["LesionView"][], conditions: Api["ConditionsView"], view: "spot" | "course", told?: Set<string | null>, actions?: (spot: Api["LesionView"]) => unknown}} props */
export const SpotPoints = ({ spots, conditions, view, told, actions }) => {
  const [first, setFirst] = useState(0);
  const points = pointsOf(spots);
  const badge = (/** @type {Api["InstructionView"]} */ { band, waits_for: waits }) => (view === "course"
    ? html`<${BandBadge} band=${band} label=${labelOfBand(conditions, band)} />`
    : html`<${BandBadge} band=${colourOf(band, waits)} label=${labelOfAdvice(conditions, band, waits)} />`);
  return html`
    <div class="columns spots">
      <${BodyMap} points=${points.filter((one) => one.place.site)} onPoint=${(/** @type {string} */ id) => goTo(`${view}/${id}`)} />
      <div><ol class="list">
        ${spots.slice(first, first + PAGE).map((spot, at) => {
          const [index, { latest, instruction: counts }] = [first + at, spot];
          return html`
            <li key=${spot.id} class=${view === "spot" ? "spot-row" : null}>
              <${Marker} point=${points[index]} />
              ${latest && html`<${KeptPhoto} number=${latest.id} kept=${latest.photo_kept} />`}
              <div class="grow">
                <a href="#/${view}/${spot.id}"><span class="hidden">${index + 1}. </span>${nameOfSpot(spot)}</a>
                <small>${[spot.name && spot.place && sayPlace(spot.place), spot.place && !spot.place.laterality && say("sideMissing"), latest ? sayDate(latest.created_at, false) : sayNoPhoto(spot)].filter(Boolean).join(" · ")}</small>
                ${counts && html`<${AdviceLine} counts=${counts} conditions=${conditions} />`}
                ${!latest && html`<${Due} due=${counts?.due} />`}
                ${view === "spot" && counts && !told?.has(spot.id) && badge(counts)}
              </div>
              ${view === "course" && counts && badge(counts)}
              ${actions?.(spot)}
            </li>`;
        })}
      </ol>
      <${Turn} back=${first > 0 && (() => setFirst(first - PAGE))} on=${first + PAGE < spots.length && (() => setFirst(first + PAGE))} /></div>
    </div>`;
};

/** Where a photo was said to be at another place than its spot: one of the two is wrong. @param {{finding: Pick<Api["FindingView"], "lesion" | "context">, link: boolean}} props */
export const PlacesDiffer = ({ finding: { lesion, context }, link }) => {
  const { body_site: site, body_laterality: laterality, body_side: side } = context;
  const { value } = useAnswer(() => (lesion && site ? get(apiPath`/lesions/${lesion}`) : Promise.resolve(null)), [lesion, site, laterality, side]);
  const place = /** @type {Api["LesionView"] | null | undefined} */ (value)?.place;
  if (!place || !site) return null;
  const pairs = [[site, place.site], [laterality, place.laterality], [TWO_SIDED.includes(site) && side, place.side]];
  if (!pairs.some(([told, there]) => told && there && told !== there)) return null;
  return html`<${Message} kind="bad">${say("placesDiffer", { told: sayPlace({ site, laterality, side }), spot: sayPlace(place) })}
    ${link && html` <a href="#/spot/${lesion}">${say("toSpot")}</a>`}<//>`;
};
