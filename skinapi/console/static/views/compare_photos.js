// @ts-check
// Two visits of a spot side by side: the later photo lies over the earlier one, and a slider uncovers it.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, getFile, getSession } from "/console/api.js";
import { Answer, Empty, Icon, useAnswer } from "/console/components.js";
import { getLanguage, say, sayDate } from "/console/language.js";
import { DecisionLine, Superseded } from "/console/views/decision.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/**
 * The photo of a finding that was compared; null where it was not kept.
 * @param {Api["ListedFinding"]} finding @param {number | null} picture which one, of a finding on several @returns {Promise<string | null>}
 */
const photoOf = ({ id, photo_kept }, picture) => {
  const which = picture ? apiPath`?picture=${picture}` : "";
  return photo_kept ? getFile(`${apiPath`/submissions/${id}/photo`}${which}`, "image/jpeg").catch(() => null) : Promise.resolve(null);
};

/** What the server says of two findings, with their photos. @param {string} spot @param {number} first @param {number} second */
async function compare(spot, first, second) {
  const compared = await get(apiPath`/lesions/${spot}/comparison?first=${first}&second=${second}&lang=${getLanguage()}`);
  const [before, after] = await Promise.all([photoOf(compared.before, compared.before_picture), photoOf(compared.after, compared.after_picture)]);
  return { compared, before, after };
}

/** Photos that fit each other. @param {{before: string, after: string, css: any, dates: string[]}} props */
const Aligned = ({ before, after, css, dates }) => {
  const [cut, setCut] = useState(50);
  /** @param {On<PointerEvent>} event */
  const drag = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setCut(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width))));
  };
  return html`
    <figure class="aligned">
      <div class="over" onPointerDown=${drag} onPointerMove=${drag}>
        <img src=${before} alt=${say("photoOfDate", { date: dates[0] })} draggable="false" />
        <div class="later" style=${{ clipPath: `inset(0 0 0 ${cut}%)` }}>
          <img src=${after} alt=${say("photoOfDate", { date: dates[1] })} draggable="false" style=${css} /></div>
        <span class="edge" style=${{ left: `${cut}%` }}></span>
      </div>
      <figcaption>
        <input type="range" min="0" max="100" value=${cut} aria-label=${say("uncover")}
          aria-valuetext=${say("uncovered", { share: 100 - cut })} onInput=${(/** @type {FieldEvent} */ event) => setCut(Number(event.target.value))} />
        <span class="row between"><small>${dates[0]}</small><small>${dates[1]}</small></span>
      </figcaption>
    </figure>`;
};

/** Photos that do not fit, or of which one is missing. @param {{photos: (string | null)[], dates: string[]}} props */
const Beside = ({ photos, dates }) => html`
  <div class="beside">
    ${photos.map((photo, index) => html`<figure>
      ${photo ? html`<img src=${photo} alt=${say("photoOfDate", { date: dates[index] })} />` : html`<p>${say("noPhoto")}</p>`}
      <figcaption>${dates[index]}</figcaption></figure>`)}
  </div>`;

/** @param {{compared: Api["SpotComparison"], before: string | null, after: string | null, conditions: Api["ConditionsView"]}} props */
const Compared = ({ compared, before, after, conditions }) => {
  // A server of the version before tells what the comparison alone asks for.
  /** @type {Partial<Api["InstructionView"]>} */
  const told = compared.instruction ?? { band: compared.band, action: compared.band_label, sentence: compared.action };
  const dates = [compared.before, compared.after].map((one) => sayDate(one.created_at));
  useEffect(() => () => [before, after].forEach((url) => url && URL.revokeObjectURL(url)), [before, after]);
  return html`
    <article class="finding">
      <header class=${`verdict band-${told.band}`}>
        <h2>${compared.summary}</h2>
        ${compared.raised && told.from !== "decision" && html`<p class="action">${compared.raised}</p>`}
        <p class="action"><${Icon} name=${told.band} /> <strong>${told.action}.</strong> ${told.sentence}</p>
        <${DecisionLine} decision=${compared.after.decision} conditions=${conditions} />
        <${Superseded} items=${told.superseded ?? []} view=${getSession()?.role === "doctor" ? "case" : "finding"} />
        ${compared.notices.filter((notice) => notice !== say("notice")).map((/** @type {string} */ notice) => html`<p class="notice">${notice}</p>`)}
      </header>
      <div class="columns">
        ${compared.alignment && before && after
          ? html`<${Aligned} before=${before} after=${after} css=${compared.alignment.css} dates=${dates} />`
          : html`<${Beside} photos=${[before, after]} dates=${dates} />`}
        ${compared.changes.length > 0 &&
        html`<section><h3>${say("measured")}</h3>
          <ul>${compared.changes.map((change) => html`<li>${change.sentence}</li>`)}</ul></section>`}
      </div>
    </article>`;
};

/** Which two visits. @param {{name: string, label: string, visits: Api["ListedFinding"][], chosen: number, other: number, onChoose: (id: number) => void}} props */
const AskVisit = ({ name, label, visits, chosen, other, onChoose }) => html`
  <div class="field"><label for=${`visit-${name}`}>${label}</label>
    <select id=${`visit-${name}`} name=${name} value=${chosen} onChange=${(/** @type {FieldEvent} */ event) => onChoose(Number(event.target.value))}>
      ${visits.filter(({ id }) => id !== other).map((one) => html`<option value=${one.id}>${say("findingOf", { number: one.id, date: sayDate(one.created_at) })}</option>`)}
    </select></div>`;

/** The two newest with a photo; else the two newest. @param {any[]} visits the newest first */
function newestTwo(visits) {
  const kept = visits.filter((one) => one.photo_kept);
  const [after, before] = kept.length > 1 ? kept : visits;
  return [before.id, after.id];
}

/** @param {{spot: Api["LesionView"], visits: Api["ListedFinding"][], conditions: Api["ConditionsView"]}} props */
const ComparedPhotos = ({ spot, visits, conditions }) => {
  const [[first, second], setPair] = useState(() => newestTwo(visits));
  const answer = useAnswer(() => compare(spot.id, first, second), [first, second, getLanguage()]);
  return html`
    <div class="fields">
      <${AskVisit} name="first" label=${say("oneVisit")} visits=${visits} chosen=${first} other=${second} onChoose=${(/** @type {number} */ id) => setPair([id, second])} />
      <${AskVisit} name="second" label=${say("otherVisit")} visits=${visits} chosen=${second} other=${first} onChoose=${(/** @type {number} */ id) => setPair([first, id])} />
    </div>
    <${Answer} answer=${answer}>
      ${(/** @type {Awaited<ReturnType<typeof compare>>} */ found) => html`<${Compared} key=${found.after} ...${found} conditions=${conditions} />`}
    <//>`;
};

/** @param {{argument: string}} props the spot */
export const View = ({ argument }) => {
  const answer = useAnswer(
    () => Promise.all([get(apiPath`/lesions/${argument}`), getAll(apiPath`/lesions/${argument}/submissions?order=newest&limit=1000`), getConditions()]),
    [argument],
  );
  const back = getSession()?.role === "doctor" ? "course" : "spot";
  return html`
    <p><a href="#/${back}/${argument}"><${Icon} name="back" size=${16} />${say("toSpot")}</a></p>
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["LesionView"], Api["ListedFinding"][], Api["ConditionsView"]]} */ [spot, visits, conditions]) => html`
        <h1>${say("title_visits")}</h1>
        <p>${nameOfSpot(spot)}</p>
        ${visits.length < 2
          ? html`<${Empty} title=${say("oneVisitAlone")} />`
          : html`<${ComparedPhotos} spot=${spot} visits=${visits} conditions=${conditions} />`}`}
    <//>`;
};
