// What was told of the person and the spot with a photo, and its correction.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, put } from "/console/api.js";
import { Chips, Field, Form, onValue } from "/console/components.js";
import { colon, said, say, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { AskPlace, sayPlace } from "/console/views/body_map.js";
import { AskSigns, optionsOf, SEXES } from "/console/views/photo_questions.js";

/** @typedef {{submission: Api["SubmissionView"], checklist: Api["Checklist"], view: "finding" | "case"}} Told */

const Correction = (/** @type {Told} */ { submission, checklist, view }) => {
  const { age: told, age_band, sex, body_site, body_laterality, body_side, checklist: signs } = submission.context;
  const [age, setAge] = useState(String(told ?? ""));
  const [place, setPlace] = useState(/** @type {Place} */ ({ site: body_site ?? "", laterality: body_laterality, side: body_side }));
  const correct = async (/** @type {Record<string, string>} */ values) => {
    const told = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
    const { id } = await put(apiPath`/submissions/${submission.id}/facts`, { ...told, ...(told.checklist && { checklist: told.checklist.split(",") }) });
    goTo(`${view}/${id}`);
  };
  return html`
    <${Form} label=${say("judgeCorrected")} onSend=${correct}>
      <p>${say("correctText")}</p>
      <${Field} name="age" label=${say("age")} hint=${told === undefined && age_band ? sayValue("age", age_band) : undefined} value=${age} inputmode="numeric" maxlength="3" onInput=${onValue(setAge)} />
      ${!age && told === undefined && html`<input type="hidden" name="age_band" value=${age_band ?? ""} />`}
      <${Chips} name="sex" title=${say("sex")} chosen=${sex ?? ""} options=${optionsOf("sex", SEXES)} />
      <${AskPlace} place=${place} onPlace=${setPlace} />
      <${AskSigns} checklist=${checklist} ticked=${signs && (signs.length > 0 ? signs : ["none"])} />
    <//>`;
};

/** Not of a finding whose photo was judged again: the newer one is corrected. @param {Told} props */
export const CorrectFacts = (props) => {
  const [asked, setAsked] = useState(false);
  if (props.submission.judged_again || (props.view === "case" && !props.submission.photo_kept)) return null;
  if (!props.submission.photo_kept) return html`<p><small>${say("correctNoPhoto")}</small></p>`;
  return asked ? html`<${Correction} ...${props} />` : html`<p><button type="button" class="quiet" onClick=${() => setAsked(true)}>${say("correctFacts")}</button></p>`;
};

/** For the patient. @param {Omit<Told, "view">} props */
export const OwnFacts = ({ submission, checklist }) => {
  const { age_band: age, sex, skin_tone: tone, modality: kind, body_site: site, body_laterality: laterality, body_side: side, checklist: signs } = submission.context;
  const ticked = checklist.items.filter(({ key }) => signs?.includes(key)).map(said);
  const told = [age && sayValue("age", age), sex && sayValue("sex", sex), tone && `${say("skinTone")}${colon()}${sayValue("skin", tone)}`, site && sayPlace({ site, laterality, side }), kind && kind !== "unknown" && sayValue("kind", kind), ...(signs?.length === 0 ? [say("noSigns")] : ticked)].filter(Boolean);
  return html`
    <details class="card own-facts"><summary>${say(told.length > 0 ? "youTold" : "youToldNothing")}</summary>
      ${told.length > 0 && html`<p>${told.join(" · ")}</p>`}
      <${CorrectFacts} submission=${submission} checklist=${checklist} view="finding" />
    </details>`;
};

/** The names of the facts that were corrected, none twice. @param {readonly string[]} corrected */
export const sayCorrected = (corrected) =>
  [...new Set(corrected.map((name) => say(name.startsWith("age") ? "age" : name === "sex" ? "sex" : name === "checklist" ? "signs" : "placeOnBody")))].join(", ");
