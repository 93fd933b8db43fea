// What is asked about a photo, before it is sent and after no finding came of it.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Chips, Field, Message, onValue, sayError, useAnswer } from "/console/components.js";
import { TOLD } from "/console/facts.js";
import { getLanguage, said, say, sayValue } from "/console/language.js";
import { KeptPhoto } from "/console/lists.js";
import { nameOfSpot } from "/console/views/spot_points.js";

/** The answer by which a spot is begun with the finding. */

/** That no sign is there: none pressed says nothing. */
const NO_SIGN = "none";

/** What was answered before, by the name of the question. @typedef {Record<string, string>} Told */

/** What is chosen of the picture, the person or the skin. @param {{of: string, told: Told}} props */
export const AskFacts = ({ of, told }) => Object.entries(TOLD).map(([name, { question, asked, hint, answers }]) => question === of && asked && html`
  <${Chips} key=${name} name=${name} title=${say(asked)} hint=${hint ? say(hint) : undefined} chosen=${told[name] ?? ""}
    options=${[["", say("notSaid")], ...Object.entries(answers).map(([value, word]) => [value, say(word)])]} />`);

const OLDEST = 120;

/** In years, of somebody who was born in this year: the lower of both, which is reached in any case. None where
 * nobody alive was. @param {string} year @param {number} [at] the year of the photo */
function ageOf(year, at = new Date().getFullYear()) {
  const years = year ? at - Number(year) : -1;
  return years >= 0 && years <= OLDEST ? Math.max(years - 1, 0) : undefined;
}

/** Year of birth and sex. The age that follows from it is sent with a photo; `at` is the year of that, if not this one.
 * @param {{told: Told, hint?: string, at?: number}} props */
export const AskPerson = ({ told, hint, at: newest = new Date().getFullYear() }) => {
  const [year, setYear] = useState(told.birth_year ?? "");
  const [left, setLeft] = useState(false); // the field: until then somebody is typing
  const age = ageOf(year, newest);
  return html`
    <${Field} label=${say("birthYear")} name="birth_year" hint=${hint} value=${year} inputmode="numeric" maxlength="4" autocomplete="bday-year"
      error=${year && age === undefined && (left || year.length > 3) ? say("noBirthYear", { first: newest - OLDEST, last: newest }) : ""}
      onInput=${onValue(setYear)} onBlur=${() => setLeft(true)} />
    <input type="hidden" name="age" value=${age ?? ""} />
    <${AskFacts} of="person" told=${told} />`;
};

/** Year of birth and sex as they are known, in one line, until somebody changes them; and the skin tone.
 * @param {{told: Told, person: Pick<Api["OwnChange"], "birth_year" | "sex"> | null}} props `person` is what is kept in the account */
export const AskAbout = ({ told, person }) => {
  const [changing, setChanging] = useState(false);
  const { birth_year: year = "", sex = "" } = told;
  const known = person?.birth_year && year === String(person.birth_year) && sex === (person.sex ?? "");
  const words = [known && say("bornIn", { year }), sex && sayValue("sex", sex)].filter(Boolean);
  return html`
    ${known && !changing
      ? html`<p class="row">${say("fromAccount", { told: words.join(", ") })}
          <input type="hidden" name="birth_year" value=${year} /><input type="hidden" name="age" value=${ageOf(year)} />
          <input type="hidden" name="sex" value=${sex} />
          <button type="button" class="quiet" onClick=${() => setChanging(true)}>${say("change")}</button></p>`
      : html`<${AskPerson} told=${told} hint=${person ? say("personKept") : undefined} />`}
    <${AskFacts} of="skin" told=${told} />`;
};

/** Which of one's spots it is: a new one, or one at the place, with its newest photo, the newest first.
 * @param {{spots: Api["LesionView"][], site: string, chosen: string, own: boolean, onChoose: (spot: string) => void}} props */
export const AskSpot = ({ spots, site, chosen, own, onChoose }) => {
  const near = spots.filter((one) => !one.place || one.place.site === site);
  near.sort((one, other) => (other.latest?._id ?? other.id).localeCompare(one.latest?._id ?? one.id));
  /** @param {string} value @param {string} text @param {Api["LesionView"]} [spot] */
  const option = (value, text, spot) => html`
    <label class="chip"><input type="radio" name="lesion" value=${value} checked=${value === chosen}
      onChange=${() => onChoose(value)} />${spot?.latest?.photo_kept && html`<${KeptPhoto} number=${spot.latest.id} kept=${true} />`}${text}</label>`;
  return html`
    <fieldset class="own-spots">
      <legend>${say(own ? "whichOfYours" : "whichOfTheirs")}</legend>
      <div class="chips">
        ${option("", say("anotherSpot"))}${near.map((one) => option(one.id, nameOfSpot(one), one))}
      </div>
    </fieldset>`;
};

/** A button for each sign. None pressed: it was not said. @param {{checklist: Api["Checklist"], ticked?: readonly string[] | null, onChange?: () => void}} props */
export const AskSigns = ({ checklist, ticked, onChange }) => {
  const [signs, setSigns] = useState(/** @type {readonly string[]} */ (ticked ?? []));
  const before = useRef(signs);
  useEffect(() => {
    if (before.current !== signs) onChange?.();
    before.current = signs;
  }, [signs]);
  const press = (/** @type {string} */ sign) =>
    setSigns(signs.includes(sign) ? signs.filter((other) => other !== sign) : [...signs.filter((other) => sign !== NO_SIGN && other !== NO_SIGN), sign]);
  const button = (/** @type {string} */ sign, /** @type {unknown} */ words) => html`
    <button type="button" class="chip" name="checklist" value=${sign} aria-pressed=${signs.includes(sign)} onClick=${() => press(sign)}>${words}</button>`;
  return html`
    <fieldset>
      <legend>${say("checklistQuestion")}</legend>
      <div class="chips every-spot">${checklist.items.filter((item) => item.every_spot).map((item) => button(item.key, said(item)))}</div>
      <small>${said(checklist.applies_to)}</small>
      <div class="chips">${checklist.items.filter((item) => !item.every_spot).map((item) => button(item.key, said(item)))}</div>
      <div class="chips">${button(NO_SIGN, say("noneOfThese"))}</div>
      <input type="hidden" name="checklist" value=${signs.join(",")} />
    </fieldset>`;
};

/** For later photos too: it counts with the text that was read, so it is not asked without. @param {{ticked: boolean}} props */
const AskAlways = ({ ticked }) => {
  const language = getLanguage();
  const { value, loading } = useAnswer(() => get(`/me/consents?lang=${language}`), [language]);
  const text = /** @type {Api["ConsentsView"] | undefined} */ (value)?.consents.find(({ purpose }) => purpose === "photos")?.newest;
  return text && !loading && html`
    <label class="tick"><input type="checkbox" name="keep_always" value=${`${language} ${text.version}`} aria-describedby="keep-always-text"
      defaultChecked=${ticked} />${say("keepAlways")}</label>
    <small id="keep-always-text">${text.text}</small>`;
};

/** Whether this photo is kept. The account's consent answers it, until somebody says otherwise for this photo; who has
 * none yet can give or refuse it here. Without an account (null) it is asked of this photo alone.
 * @param {{told: Told, consent: boolean | null | undefined, missing: boolean}} props `missing`: one tried to send without an answer */
export const AskToKeep = ({ told, consent, missing }) => html`
  <${Chips} name="keep_photo" title=${say("keepPhoto")} hint=${say("keepPhotoWhy")} required chosen=${told.keep_photo ?? String(consent)}
    note=${missing && html`<${Message} kind="bad">${say("keepPhotoFirst")}<//>`}
    options=${["true", "false"].map((value) => [value, sayValue("keepPhoto", value)])}>
    ${consent === undefined && html`<${AskAlways} ticked=${Boolean(told.keep_always)} />`}
  <//>`;

/** Whether another photo, or a word about it, would help. @param {Failed} error */
export const isOfPhoto = (error) => [413, 415, 422].includes(error.status) && error.code !== "lesion_full";

/** Counts down the seconds until a busy server may be asked again. @param {{seconds: number, onOver: () => void}} props */
const Countdown = ({ seconds, onOver }) => {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) {
      onOver();
      return undefined;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return html`<p>${say("busyAgainIn", { seconds: left })}</p>`;
};

/** It was not sent, for a reason that is not the photo's, or no answer has come (`unknown`). @param {{error: Failed, unknown: boolean, onRetry: () => void}} props */
export const NotSent = ({ error, unknown, onRetry }) => html`
  <${Message} kind="bad">
    <p><strong>${say(error.status === 503 ? "serverBusy" : unknown ? "unsentUnknown" : "notSent")}</strong></p>
    ${error.code !== "unavailable" && html`<p>${sayError(error)}</p>`}
    ${error.status === 503 && html`<${Countdown} seconds=${error.retryAfter || 5} onOver=${onRetry} />`}
    <button type="button" class="primary" onClick=${onRetry}>${say("tryAgain")}</button>
  <//>`;

/** What the server asks or says of the photos, below them, where the eyes and the keyboard go. Of several,
 * one is left out beside it.
 * @param {{error: Failed, several: boolean, onShows: () => void, onSame: () => void, onOther: () => void}} props */
export const AboutPhotos = ({ error, several, onShows, onSame, onOther }) => {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    place.current?.querySelector("button")?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: "end" });
  }, [error]);
  const skin = error.question === "skin";
  const other = several ? say("leaveOneOut") : html`<button type="button" class=${skin ? "" : "primary"} onClick=${onOther}>${say("otherPhoto")}</button>`;
  const said =
    error.code === "maybe_different_spots"
      ? html`<p><strong>${say("sameSpotQuestion")}</strong></p><p>${say("sameSpotText")}</p>
          <button type="button" class="primary" onClick=${onSame}>${say("sameSpotYes")}</button>`
      : skin
        ? html`<p>${sayError(error)}</p>
            <div class="row"><button type="button" class="primary" onClick=${onShows}>${say("skinYes")}</button>${other}</div>`
        : html`<p><strong>${say("photoRefused")}</strong></p><p>${sayError(error)}</p><div class="row">${other}</div>`;
  return html`<div ref=${place}><${Message} kind=${skin || error.code === "maybe_different_spots" ? "info" : "bad"}>${said}<//></div>`;
};
