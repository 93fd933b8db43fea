// @ts-check
// Where one spot is: asked where its side is missing, and shown on the body.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, patch } from "/console/api.js";
import { Failure, Message, useAct } from "/console/components.js";
import { say, sayValue } from "/console/language.js";
import { lateralitiesOf, PlaceMap, sayPlace } from "/console/views/body_map.js";
import { bandOfSpot } from "/console/views/decision.js";

/** Asks its owner on which side a spot is, where that is not known. @param {{spot: Api["LesionView"], onDone: () => void}} props */
export const AskSide = ({ spot, onDone }) => {
  const { run, error } = useAct();
  if (spot.place.laterality) return null;
  /** @param {string} laterality */
  const choose = (laterality) => run(() => patch(apiPath`/lesions/${spot.id}`, { place: { ...spot.place, laterality } }).then(onDone));
  return html`
    <${Message}>
      <p><strong>${say("sideOfSpot")}</strong> ${say("sideOfSpotText")}</p>
      <div class="row">${lateralitiesOf(spot.place.site).map((one) => html`<button onClick=${() => choose(one)}>${sayValue("side", one)}</button>`)}</div>
      ${error && html`<${Failure} error=${error} />`}
    <//>`;
};

/** The place of a spot in words and on the body. @param {{spot: Api["LesionView"]}} props */
export const SpotPlace = ({ spot }) => html`
  <figure class="place">
    <${PlaceMap} place=${spot.place} band=${spot.latest ? bandOfSpot(spot) : "chosen"} />
    <figcaption>${[spot.name && sayPlace(spot.place), !spot.place.laterality && say("sideMissing")].filter(Boolean).join(" · ")}</figcaption>
  </figure>`;
