// Over a page about a spot, for a doctor: whose it is, and the way back to the case that one came from.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, getFile, getSession } from "/console/api.js";
import { Answer, Empty, Icon, Load, Loading, Select, Tabs, useAnswer } from "/console/components.js";
import { getLanguage, isolated, say, sayDate, sayValue } from "/console/language.js";
import { addressOf } from "/console/navigation.js";
import { AdviceLine, colourOf, Due } from "/console/views/decision.js";
import { getFinding } from "/console/views/finding.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/** The address of such a page, which keeps the case that is left and the list beside it. @param {string} view @param {string} spot @param {string | number} number @param {string} back the address of the list */
export const leaveCase = (view, spot, number, back) =>
  addressOf(`#/${view}/${spot}`, { ...Object.fromEntries(new URLSearchParams(back.split("?")[1] ?? "")), case: String(number) });

/** The way back; null where one came from no case. @param {{filters: URLSearchParams}} props */
export const BackToCase = ({ filters }) => {
  const { case: number = "", ...list } = Object.fromEntries(filters);
  if (!/^\d+$/.test(number)) return null;
  return html`<p><a class="to-case" href=${`#/${addressOf(`case/${number}`, list)}`}><${Icon} name="back" size=${16} />${say("title_finding")} ${number}</a></p>`;
};

/** The name, and what was told with the newest photo: age and sex. @param {{spot: Api["LesionView"]}} props */
export const PatientHead = ({ spot }) => {
  const number = getSession()?.role === "doctor" && spot.latest?.id;
  const { value } = useAnswer(async () => (number ? getFinding(String(number)) : null), [number]);
  if (!value?.user_name) return null;
  const { age_band: age, sex } = value.context;
  const told = [age && sayValue("age", age), sex && sayValue("sex", sex)].filter(Boolean);
  return html`<p class="patient"><strong>${isolated(value.user_name)}</strong>${told.map((one) => ` · ${one}`)}</p>`;
};

/** The photo of a finding that was compared; null where it was not kept.
 * @param {Api["ListedFinding"]} finding @param {number | null} picture which one, of a finding on several @returns {Promise<string | null>} */
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

/** How a photo is looked at: so much larger, moved by so many percent. @typedef {{zoom: number, x: number, y: number}} Looking */

const LARGEST = 5;
const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] });

/** Never past the edge of the photo. @param {Looking} looking @returns {Looking} */
function within({ zoom, x, y }) {
  const most = 50 * (zoom - 1);
  const bound = (/** @type {number} */ value) => Math.max(-most, Math.min(most, value));
  return { zoom, x: bound(x), y: bound(y) };
}

/** The earlier photo, and over it the later one (`after`, placed by `css`) where it is not cut off: from
 * `cut` percent of the width on. A part is moved by a pointer or the arrow keys, in all frames at once.
 * @param {{before: string, after?: string, css?: Record<string, string>, alts: string[], cut?: number, looking: Looking, onLook: (next: Looking) => void, onDrag?: (event: On<PointerEvent>) => void}} props */
const Frame = ({ before, after, css, alts, cut = 100, looking, onLook, onDrag }) => {
  const { zoom, x, y } = looking;
  const move = (/** @type {On<PointerEvent>} */ event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    if (onDrag) return onDrag(event);
    if (event.type === "pointerdown") return event.currentTarget.setPointerCapture(event.pointerId);
    const { width, height } = event.currentTarget.getBoundingClientRect();
    onLook(within({ zoom, x: x + (100 * event.movementX) / width, y: y + (100 * event.movementY) / height }));
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    if (!step || onDrag) return;
    event.preventDefault();
    onLook(within({ zoom, x: x + step[0], y: y + step[1] }));
  };
  return html`
    <div class=${zoom > 1 && !onDrag ? "over movable" : "over"} tabindex=${zoom > 1 && !onDrag ? "0" : null} role="group" aria-label=${alts.filter(Boolean).join(" · ")}
      onPointerDown=${move} onPointerMove=${move} onKeyDown=${press}>
      <div class="looked" style=${{ translate: `${x}% ${y}%`, transform: `scale(${zoom})` }}>
        <img src=${before} alt=${alts[0]} draggable=${false} />
        ${after && html`<div class="later" style=${{ clipPath: `inset(0 0 0 ${cut}%)` }}><img src=${after} alt=${alts[1]} draggable=${false} style=${css} /></div>`}
      </div>
      ${onDrag && html`<span class="edge" style=${{ left: `${cut}%` }}></span>`}
    </div>`;
};

const Zoom = (/** @type {{looking: Looking, onLook: (next: Looking) => void}} */ { looking, onLook }) => html`
  <label class="slider">${say("zoom")}<input type="range" min="1" max=${LARGEST} step="0.5" name="zoom" value=${looking.zoom}
    onInput=${(/** @type {FieldEvent} */ event) => onLook(within({ ...looking, zoom: Number(event.target.value) }))} /></label>`;

const WAYS = /** @type {const} */ (["slider", "beside", "blink"]);

/** Photos that fit each other: one over the other, both beside each other, or in turn. @param {{before: string, after: string, css: Record<string, string>, dates: string[]}} props */
const Aligned = ({ before, after, css, dates }) => {
  const [way, setWay] = useState(/** @type {typeof WAYS[number]} */ ("slider"));
  const [cut, setCut] = useState(50);
  const [later, setLater] = useState(false);
  const [looking, onLook] = useState({ zoom: 1, x: 0, y: 0 });
  const said = dates.map((date) => say("photoOfDate", { date }));
  const frame = (/** @type {number} */ at, /** @type {string[]} */ alts, /** @type {((event: On<PointerEvent>) => void) | undefined} */ onDrag = undefined) =>
    html`<${Frame} before=${before} after=${after} css=${css} alts=${alts} cut=${at} looking=${looking} onLook=${onLook} onDrag=${onDrag} />`;
  const drag = (/** @type {On<PointerEvent>} */ event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setCut(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width))));
  };
  return html`
    <figure class=${way === "slider" ? "aligned" : ""}>
      <${Tabs} label=${say("howCompared")} tabs=${WAYS.map((one) => [one, say(`compared_${one}`)])} chosen=${way} onChoose=${setWay} />
      ${way === "slider" && frame(cut, said, drag)}
      ${way === "beside" && html`<div class="beside">${[frame(100, [said[0], ""]), frame(0, ["", said[1]])]}</div>`}
      ${way === "blink" && frame(later ? 0 : 100, later ? ["", said[1]] : [said[0], ""])}
      <figcaption>
        ${way === "slider" && html`<input type="range" min="0" max="100" value=${cut} aria-label=${say("uncover")}
          aria-valuetext=${say("uncovered", { share: 100 - cut })} onInput=${(/** @type {FieldEvent} */ event) => setCut(Number(event.target.value))} />`}
        ${way === "blink"
          ? html`<button class="wide" onClick=${() => setLater(!later)}>${say("showPhotoOf", { date: dates[later ? 0 : 1] })}</button><p role="status">${said[later ? 1 : 0]}</p>`
          : html`<span class="row between"><small>${dates[0]}</small><small>${dates[1]}</small></span>`}
        <${Zoom} looking=${looking} onLook=${onLook} />
      </figcaption>
    </figure>`;
};

/** Photos that do not fit, or of which one is missing. @param {{photos: (string | null)[], dates: string[]}} props */
const Beside = ({ photos, dates }) => {
  const [looking, onLook] = useState({ zoom: 1, x: 0, y: 0 });
  return html`
    <div><div class="beside">
      ${photos.map((photo, index) => html`<figure>
        ${photo ? html`<${Frame} before=${photo} alts=${[say("photoOfDate", { date: dates[index] })]} looking=${looking} onLook=${onLook} />` : html`<p>${say("photoNotKept")}</p>`}
        <figcaption>${dates[index]}</figcaption></figure>`)}
    </div>
    ${photos.every(Boolean) && html`<${Zoom} looking=${looking} onLook=${onLook} />`}</div>`;
};

/** @param {{compared: Api["SpotComparison"], before: string | null, after: string | null, conditions: Api["ConditionsView"]}} props */
const Compared = ({ compared, before, after, conditions }) => {
  const told = compared.instruction;
  const doctor = getSession()?.role === "doctor"; // who reads on the page of the case what to do
  const both = [compared.before, compared.after];
  const dates = both.map((one) => sayDate(one.created_at));
  const measured = compared.changes.filter(({ sentence }) => !compared.summary.includes(sentence));
  useEffect(() => () => [before, after].forEach((url) => url && URL.revokeObjectURL(url)), [before, after]);
  return html`
    <article class="finding compared">
      ${compared.placement && before && after
        ? html`<${Aligned} before=${before} after=${after} css=${compared.placement} dates=${dates} />`
        : html`<${Beside} photos=${[before, after]} dates=${dates} />`}
      <header class=${`verdict band-${colourOf(told.band, told.waits_for)}`}>
        <h2><${Icon} name=${told.band} size=${32} />${told.action}</h2>
        ${!doctor && html`<${Due} due=${told.due} /><p class="action">${told.sentence}</p>`}
        ${both.filter((one) => one.decision?.unjudged).map((one) => html`<p class="action">${say("unjudgedOfDate", { date: sayDate(one.created_at) })}</p>`)}
        ${compared.decided && html`<p>${compared.decided}</p>`}
        <${AdviceLine} counts=${told} conditions=${conditions} />
        ${compared.notices.slice(1).map((notice) => html`<p><small>${notice}</small></p>`)}
      </header>
      <section><h3>${say("measured")}</h3>${compared.told && html`<p><strong>${compared.told}</strong></p>`}<p>${compared.summary}</p>
        ${measured.length > 0 && html`<ul>${measured.map((change) => html`<li>${change.sentence}</li>`)}</ul>`}</section>
    </article>`;
};

/** The photos alone: a comparison takes seconds. @param {{visits: Api["ListedFinding"][]}} props */
const NotCompared = ({ visits }) => {
  const { value } = useAnswer(() => Promise.all(visits.map((one) => photoOf(one, null))), []);
  useEffect(() => () => value?.forEach((url) => url && URL.revokeObjectURL(url)), [value]);
  return html`<${Loading} />${value && html`<div class="compared"><${Beside} photos=${value} dates=${visits.map((one) => sayDate(one.created_at))} /></div>`}`;
};

/** One of two visits. @param {{name: string, label: string, visits: Api["ListedFinding"][], chosen: number, onChoose: (id: number) => void}} props */
const AskVisit = ({ name, label, visits, chosen, onChoose }) => html`
  <${Select} label=${label} name=${name} value=${String(chosen)} onChoose=${(/** @type {string} */ id) => onChoose(Number(id))}
    options=${visits.map((one) => [String(one.id), say("findingOf", { number: one.id, date: sayDate(one.created_at) })])} />`;

/** The two newest with a photo; else the two newest. @param {Api["ListedFinding"][]} visits the newest first */
function newestTwo(visits) {
  const kept = visits.filter((one) => one.photo_kept);
  const [after, before] = kept.length > 1 ? kept : visits;
  return [before.id, after.id];
}

/** @param {{spot: Api["LesionView"], visits: Api["ListedFinding"][], conditions: Api["ConditionsView"]}} props */
const ComparedPhotos = ({ spot, visits, conditions }) => {
  const [[first, second], setPair] = useState(() => newestTwo(visits));
  const [at, until] = [second, first].map((number) => visits.findIndex(({ id }) => id === number)); // the newest is the first
  const answer = useAnswer(() => compare(spot.id, first, second), [first, second, getLanguage()]);
  return html`
    ${answer.loading ? html`<${NotCompared} key=${`${first} ${second}`} visits=${[visits[until], visits[at]]} />` : html`
      <${Answer} answer=${answer}>
        ${(/** @type {Awaited<ReturnType<typeof compare>>} */ found) => html`<${Compared} key=${found.after} ...${found} conditions=${conditions} />`}
      <//>`}
    <div class="fields">
      <${AskVisit} name="first" label=${say("earlierPhoto")} visits=${visits.slice(at + 1)} chosen=${first} onChoose=${(/** @type {number} */ id) => setPair([id, second])} />
      <${AskVisit} name="second" label=${say("laterPhoto")} visits=${visits.slice(0, until)} chosen=${second} onChoose=${(/** @type {number} */ id) => setPair([first, id])} />
    </div>`;
};

/** @param {{argument: string, filters: URLSearchParams}} props the spot */
export const View = ({ argument, filters }) => {
  const ask = () =>
    Promise.all([get(apiPath`/lesions/${argument}`), getAll(apiPath`/lesions/${argument}/submissions?order=newest&limit=1000`), getConditions()]);
  const back = getSession()?.role === "doctor" ? "course" : "spot";
  return html`
    <${BackToCase} filters=${filters} />
    <p><a href=${addressOf(`#/${back}/${argument}`, Object.fromEntries(filters))}><${Icon} name="back" size=${16} />${say("toSpot")}</a></p>
    <${Load} ask=${ask} inputs=${[argument]}>
      ${(/** @type {[Api["LesionView"], Api["ListedFinding"][], Api["ConditionsView"]]} */ [spot, visits, conditions]) => html`
        <h1>${nameOfSpot(spot)}</h1>
        <${PatientHead} spot=${spot} />
        ${visits.length < 2
          ? html`<${Empty} title=${say("oneVisitAlone")} />`
          : html`<${ComparedPhotos} spot=${spot} visits=${visits} conditions=${conditions} />`}`}
    <//>`;
};
