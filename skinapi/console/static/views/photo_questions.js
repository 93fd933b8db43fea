// @ts-check
// What is asked about a photo. Nothing but whether it is kept has to be answered.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Message, useAnswer } from "/console/components.js";
import { colon, getLanguage, said, say, sayValue } from "/console/language.js";
import { Chips } from "/console/views/chips.js";
import { nameOfSpot } from "/console/views/spot_points.js";
import { KeptPhoto } from "/console/views/thumbnail.js";

const AGES = ["0-29", "30-44", "45-59", "60-74", "75+"];
const SEXES = ["female", "male", "other"];
const SKIN_TONES = ["light", "medium", "dark"];
const KINDS = ["clinical", "dermoscopic"];

/** The answer by which a spot is begun with the finding. */
export const NEW = "new";

/** What was answered before, by the name of the question. @typedef {Record<string, string>} Told */

/** The answers of a group of words, after none. @param {string} group @param {string[]} values @returns {[string, string][]} */
const optionsOf = (group, values) => [["", say("notSaid")], ...values.map((value) => /** @type {[string, string]} */ ([value, sayValue(group, value)]))];

/** @param {{told: Told}} props */
export const AskKind = ({ told }) => html`
  <${Chips} name="modality" title=${say("kind")} chosen=${told.modality ?? ""} options=${optionsOf("kind", KINDS)} />`;

/**
 * Age and sex as they are known, in one line, until somebody changes them; and the skin tone.
 * @param {{told: Told, known: Told, remembered: boolean}} props `known` is what was told with an earlier photo; `remembered`: also in this browser
 */
export const AskAbout = ({ told, known, remembered }) => {
  const [changing, setChanging] = useState(false);
  const { age_band: age = "", sex = "" } = told;
  const words = [age && sayValue("age", age), sex && sayValue("sex", sex)].filter(Boolean);
  const line = words.length > 0 && known.age_band === age && known.sex === sex && !changing;
  return html`
    ${line
      ? html`<p class="row">${say("youTold", { told: words.join(", ") })}
          <input type="hidden" name="age_band" value=${age} /><input type="hidden" name="sex" value=${sex} />
          <button type="button" class="quiet" onClick=${() => setChanging(true)}>${say("change")}</button></p>`
      : html`<${Chips} name="age_band" title=${say("age")} chosen=${age} options=${optionsOf("age", AGES)} />
          <${Chips} name="sex" title=${say("sex")} hint=${remembered ? say("toldRemembered") : undefined} chosen=${sex} options=${optionsOf("sex", SEXES)} />`}
    <${Chips} name="skin_tone" title=${say("skinTone")} hint=${say("skinToneWhy")} chosen=${told.skin_tone ?? ""} options=${optionsOf("skin", SKIN_TONES)} />`;
};

/**
 * Which of one's spots it is: those at the place, with their newest photos, the newest first. Nothing is
 * chosen for anybody but the spot that one came from.
 * @param {{spots: Api["LesionView"][], site: string, chosen: string, onChoose: (spot: string) => void}} props
 */
export const AskSpot = ({ spots, site, chosen, onChoose }) => {
  const near = spots.filter((one) => one.place.site === site);
  near.sort((one, other) => (other.latest?._id ?? other.id).localeCompare(one.latest?._id ?? one.id));
  /** @param {string} value @param {string} text @param {Api["LesionView"]} [spot] */
  const option = (value, text, spot) => html`
    <label class="chip"><input type="radio" name="lesion" value=${value} checked=${value === chosen}
      onChange=${() => onChoose(value)} />${spot?.latest?.photo_kept && html`<${KeptPhoto} number=${spot.latest.id} kept=${true} />`}${text}</label>`;
  return html`
    <fieldset class="own-spots">
      <legend>${say("whichOfYours")}</legend>
      ${chosen === NEW && near.length === 0 && html`<small>${say("firstOfPlace")}</small>`}
      <div class="chips">
        ${option("", say("noSpot"))}${near.map((one) => option(one.id, nameOfSpot(one), one))}${option(NEW, say("anotherSpot"))}
      </div>
    </fieldset>`;
};

/** @param {{checklist: Api["Checklist"], ticked: string[]}} props */
export const AskChecklist = ({ checklist, ticked }) => {
  const [none, setNone] = useState(ticked.includes("none"));
  return html`
    <fieldset>
      <legend>${say("checklistQuestion")}</legend>
      <small>${said(checklist.applies_to)}</small>
      ${checklist.items.map((item) => html`<label class="tick"><input type="checkbox" name="checklist" value=${item.key}
        disabled=${none} defaultChecked=${ticked.includes(item.key)} />${said(item)}</label>`)}
      <label class="tick"><input type="checkbox" name="checklist" value="none" defaultChecked=${none}
        onChange=${(/** @type {FieldEvent} */ event) => setNone(event.target.checked)} />${say("noneOfThese")}</label>
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
    <small id="keep-always-text">${text.title}${colon()}${text.text}</small>`;
};

/**
 * Whether this photo is kept. The account's consent answers it, until somebody says otherwise for this photo; who has
 * none yet can give or refuse it here. Without an account (null) it is asked of this photo alone.
 * @param {{told: Told, consent: boolean | null | undefined, missing: boolean}} props `missing`: one tried to send without an answer
 */
export const AskToKeep = ({ told, consent, missing }) => html`
  <${Chips} name="keep_photo" title=${say("keepPhoto")} required chosen=${told.keep_photo ?? String(consent)}
    note=${missing && html`<${Message} kind="bad">${say("keepPhotoFirst")}<//>`} hint=${say("keepPhotoWhy")}
    options=${["true", "false"].map((value) => [value, sayValue("keepPhoto", value)])}>
    ${consent === undefined && html`<${AskAlways} ticked=${Boolean(told.keep_always)} />`}
  <//>`;
