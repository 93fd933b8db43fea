// What was told of the person and the spot with a photo, and its correction.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, put } from "/console/api.js";
import { Chips, Form, sayError, toast } from "/console/components.js";
import { TOLD } from "/console/facts.js";
import { colon, said, say, sayDate, sayValue } from "/console/language.js";
import { AskPlace, lateralitiesOf, sayPlace } from "/console/views/body_map.js";
import { AskFacts, AskPerson, AskSigns } from "/console/views/photo_questions.js";
import { keepPerson } from "/console/views/photo_sending.js";

/** The names of the facts that were corrected, none twice. @param {readonly string[]} corrected */
export const sayCorrected = (corrected) => [...new Set(corrected.map((name) => say(TOLD[name === "place" ? "body_site" : name].word)))].join(", ");

/** What was told and has words, each after its name. @param {Api["FindingView"]["context"]} context @param {string} [of] the question, or all */
export const listTold = (context, of) =>
  Object.entries(TOLD).flatMap(([name, { question, word, answers }]) => {
    const answer = answers[String(context[/** @type {keyof typeof context} */ (name)])];
    return answer && [question, undefined].includes(of) ? [[say(word), say(answer)]] : [];
  });

/** `onCorrected` hears that something was corrected, or that another version counts; `own`: who told it corrects it. @typedef {{finding: Api["FindingView"], checklist: Api["Checklist"], onCorrected: () => void, own?: boolean}} Told */

/** The answers of a form that differ from what was told, as they are sent: what is left out stays. An age that was
 * told as a group stays until a year is given. @param {Api["FindingView"]["context"]} context @param {Record<string, string>} answers */
function changesIn(context, answers) {
  /** @type {Record<string, unknown>} */
  const told = { ...context, modality: context.modality === "unknown" ? null : context.modality, checklist: context.checklist && [...context.checklist].sort() };
  const ticked = answers.checklist === "none" ? [] : answers.checklist?.split(",").sort();
  const sent = Object.entries(answers).map(([name, value]) => [name, value === "unknown" || value === "" ? null : name === "checklist" ? ticked : name === "age" ? Number(value) : value === "true" || (value !== "false" && value)]);
  return Object.fromEntries(sent.filter(([name, value]) => JSON.stringify(told[/** @type {string} */ (name)] ?? null) !== JSON.stringify(value)));
}

/** Keep in the account what the owner has changed of the person, as where a photo is sent. @param {{birth_year?: string, sex?: string | null}} changed */
async function keepChanged({ birth_year: year, sex }) {
  if (!year && !sex) return;
  const me = /** @type {Api["Me"]} */ (await get("/me"));
  await keepPerson(me, { birth_year: year ? Number(year) : me.birth_year ?? null, sex: /** @type {Api["Me"]["sex"]} */ (sex) ?? me.sex ?? null });
}

/** The questions of a new photo, with the answers of then; without a kept photo those on which no judgement depends. @param {Told} props */
const Correction = ({ finding, checklist, onCorrected, own }) => {
  const { id, version = 1, time, picture_count: pictures = 1, photo_kept: kept, context } = finding;
  const { age, age_band, body_site, body_laterality, body_side, checklist: signs } = context;
  const [place, setPlace] = useState(/** @type {Place} */ ({ site: body_site ?? "", laterality: body_laterality, side: body_side }));
  const year = Number(time.slice(0, 4));
  const born = age === undefined || age === null ? "" : String(year - age - 1); // as `ageOf` counts
  const told = { ...Object.fromEntries(Object.entries(context).map(([name, fact]) => [name, String(fact ?? "")])), birth_year: born };
  const correct = async (/** @type {Record<string, string>} */ { birth_year, ...answers }) => {
    if (birth_year && !answers.age) return; // the field says what is wrong
    const facts = changesIn(context, answers);
    try {
      const { corrected, version: counts } = /** @type {Api["CorrectedView"]} */ (await put(apiPath`/submissions/${id}/facts`, { ...facts, version }));
      if (corrected.length === 0) toast(say("nothingCorrected"));
      else if (counts === version) toast(say("sideCorrected"));
      if (own) await keepChanged({ birth_year: birth_year === born ? "" : birth_year, sex: /** @type {string | null} */ (facts.sex) }).catch(() => {});
    } catch (problem) {
      if (problem.code !== "changed_meanwhile") throw problem;
      toast(sayError(problem));
    }
    onCorrected();
  };
  const hints = [!born && age_band && sayValue("age", age_band), own && say("personKept")].filter(Boolean);
  if (!kept) {
    return html`
      <${Form} label=${say("correctSide")} kind="" onSend=${correct}>
        <${Chips} name="body_laterality" title=${say("whichSide")} chosen=${body_laterality ?? ""} options=${lateralitiesOf(place.site).map((one) => [one, sayValue("side", one)])} />
      <//>`;
  }
  return html`
    <${Form} label=${say("judgeCorrected")} kind="" onSend=${correct}>
      <p>${say("correctText")}</p>
      ${pictures < 2 && html`<${AskFacts} of="picture" told=${told} />`}
      <${AskPlace} place=${place} onPlace=${setPlace} />
      <${AskPerson} told=${told} at=${year} hint=${hints.join(" · ") || undefined} />
      <${AskFacts} of="skin" told=${told} />
      <${AskSigns} checklist=${checklist} ticked=${signs && (signs.length > 0 ? signs : ["none"])} />
    <//>`;
};

/** What was corrected without another judgement, when and by whom, and the way to correct more. @param {Told} props */
export const CorrectFacts = (props) => {
  const [asked, setAsked] = useState(false);
  const { amended = [], photo_kept: kept, context } = props.finding;
  const before = amended.map(({ amended_at, amended_by: by, before }) => html`
    <p key=${amended_at}><small>${sayDate(amended_at)} · ${say(`correctedBy_${by === "patient" && props.own ? "you" : by}`, { facts: sayCorrected(Object.keys(before)) })}</small></p>`);
  const open = html`<p><button type="button" class="quiet" onClick=${() => setAsked(true)}>${say(kept ? "correctFacts" : "correctSide")}</button></p>`;
  return html`
    ${before}
    ${!kept && html`<p><small>${say("correctNoPhoto")}</small></p>`}
    ${asked ? html`<${Correction} ...${props} onCorrected=${() => [setAsked(false), props.onCorrected()]} />` : (kept || context.body_site) && open}`;
};

/** For the patient. @param {Told} props */
export const OwnFacts = (props) => {
  const { context } = props.finding;
  const { body_site: site, body_laterality: laterality, body_side: side, checklist: signs } = context;
  const ticked = props.checklist.items.filter(({ key }) => signs?.includes(key)).map(said);
  const answers = (/** @type {string} */ of) => listTold(context, of).map(([, answer]) => answer);
  const skin = listTold(context, "skin").map((named) => named.join(colon()));
  const told = [...answers("person"), ...skin, site && sayPlace({ site, laterality, side }), ...answers("picture"), ...(signs?.length === 0 ? [say("noSigns")] : ticked)].filter(Boolean);
  return html`
    <details class="card own-facts"><summary>${say(told.length > 0 ? "youTold" : "youToldNothing")}</summary>
      ${told.length > 0 && html`<p>${told.join(" · ")}</p>`}
      <${CorrectFacts} ...${props} own />
    </details>`;
};
