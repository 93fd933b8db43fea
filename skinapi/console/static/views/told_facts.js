// What was told of the person and the spot with a photo, and its correction.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, put } from "/console/api.js";
import { Form, sayError, toast } from "/console/components.js";
import { colon, said, say, sayValue } from "/console/language.js";
import { AskPlace, sayPlace } from "/console/views/body_map.js";
import { AskKind, AskPerson, AskSigns, AskSkinTone } from "/console/views/photo_questions.js";

/** `onCorrected` hears that another version counts. @typedef {{submission: Api["FindingView"], checklist: Api["Checklist"], onCorrected: () => void}} Told */

/** The questions of a new photo, with the answers of then. @param {Told} props */
const Correction = ({ submission, checklist, onCorrected }) => {
  const { id, version = 1, time, picture_count: pictures = 1, context } = submission;
  const { age, age_band, body_site, body_laterality, body_side, checklist: signs } = context;
  const [place, setPlace] = useState(/** @type {Place} */ ({ site: body_site ?? "", laterality: body_laterality, side: body_side }));
  const year = Number(time.slice(0, 4));
  const born = age === undefined || age === null ? "" : String(year - age - 1); // as `ageOf` counts
  const told = { birth_year: born, sex: context.sex ?? "", skin_tone: context.skin_tone ?? "", modality: context.modality ?? "" };
  const correct = async (/** @type {Record<string, string>} */ { birth_year, ...answers }) => {
    if (birth_year && !answers.age) return; // the field says what is wrong
    const left = (/** @type {string} */ name) => (name === "modality" ? "unknown" : null);
    const facts = Object.fromEntries(Object.entries(answers).map(([name, value]) => [name, value || left(name)]));
    try {
      const corrected = await put(apiPath`/submissions/${id}/facts`, {
        ...facts, version, age_band: birth_year || born ? null : age_band, checklist: answers.checklist ? answers.checklist.split(",") : null,
      });
      if (corrected.version === version) toast(say("nothingCorrected"));
    } catch (problem) {
      if (problem.code !== "judged_meanwhile") throw problem;
      toast(sayError(problem));
    }
    onCorrected();
  };
  return html`
    <${Form} label=${say("judgeCorrected")} kind="" onSend=${correct}>
      <p>${say("correctText")}</p>
      ${pictures < 2 && html`<${AskKind} told=${told} />`}
      <${AskPlace} place=${place} onPlace=${setPlace} />
      <${AskPerson} told=${told} at=${year} hint=${!born && age_band ? sayValue("age", age_band) : undefined} />
      <${AskSkinTone} told=${told} />
      <${AskSigns} checklist=${checklist} ticked=${signs && (signs.length > 0 ? signs : ["none"])} />
    <//>`;
};

/** @param {Told} props */
export const CorrectFacts = (props) => {
  const [asked, setAsked] = useState(false);
  if (!props.submission.photo_kept) return html`<p><small>${say("correctNoPhoto")}</small></p>`;
  if (!asked) return html`<p><button type="button" class="quiet" onClick=${() => setAsked(true)}>${say("correctFacts")}</button></p>`;
  return html`<${Correction} ...${props} onCorrected=${() => [setAsked(false), props.onCorrected()]} />`;
};

/** For the patient. @param {Told} props */
export const OwnFacts = (props) => {
  const { age_band: age, sex, skin_tone: tone, modality: kind, body_site: site, body_laterality: laterality, body_side: side, checklist: signs } = props.submission.context;
  const ticked = props.checklist.items.filter(({ key }) => signs?.includes(key)).map(said);
  const told = [age && sayValue("age", age), sex && sayValue("sex", sex), tone && `${say("skinTone")}${colon()}${sayValue("skin", tone)}`, site && sayPlace({ site, laterality, side }), kind && kind !== "unknown" && sayValue("kind", kind), ...(signs?.length === 0 ? [say("noSigns")] : ticked)].filter(Boolean);
  return html`
    <details class="card own-facts"><summary>${say(told.length > 0 ? "youTold" : "youToldNothing")}</summary>
      ${told.length > 0 && html`<p>${told.join(" · ")}</p>`}
      <${CorrectFacts} ...${props} />
    </details>`;
};
