// One of one's own spots, whole: the newest photo, what is to be done, the course, the conversation, the letters.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, patch, remove } from "/console/api.js";
import { Answer, Confirm, Empty, Icon, Menu, Message, sayError, toast, useAnswer } from "/console/components.js";
import { Call, YourVisit } from "/console/clinic.js";
import { colon, getLanguage, said, say, sayDueDay, today } from "/console/language.js";
import { Turn, usePaging } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { OwnConversation } from "/console/views/conversation.js";
import { DecisionLine, Instruction, PastDecision } from "/console/views/decision.js";
import { getReport, getFinding } from "/console/views/finding.js";
import { FindingPhoto, photoOf, useForgotten } from "/console/views/finding_photo.js";
import { FoldedLetter } from "/console/views/letters.js";
import { SpotFields, spotOf } from "/console/views/sort_finding.js";
import { AskSide, nameOfSpot, SpotPlace } from "/console/views/spot_points.js";
import { OwnFindings, Unread } from "/console/views/spots.js";

const PAGE = 10;

/** Another name, another place. @param {{spot: Api["LesionView"], onDone: () => void, onClose: () => void}} props */
const ChangeSpot = ({ spot, onDone, onClose }) => {
  const [fields, setFields] = useState(/** @type {import("/console/views/sort_finding.js").Fields} */ ({ name: spot.name ?? "", place: spot.place ?? { site: "" } }));
  const change = async () => {
    const { name, place } = spotOf(fields);
    // Only what was changed: the rest may be another by now, in another tab.
    await patch(apiPath`/lesions/${spot.id}`, { ...(name !== spot.name && { name }), ...(place !== spot.place && { place }) });
    onDone();
  };
  return html`
    <${Confirm} title=${say("changeSpot")} confirm=${say("save")} kind="primary" onConfirm=${change} onClose=${onClose}>
      <${SpotFields} ...${fields} onChange=${(/** @type {Partial<import("/console/views/sort_finding.js").Fields>} */ changed) => setFields({ ...fields, ...changed })} />
    <//>`;
};

const DeleteSpot = (/** @type {{spot: Api["LesionView"], onClose: () => void}} */ { spot, onClose }) => html`
  <${Confirm} title=${say("deleteSpot")} confirm=${say("delete")} onClose=${onClose}
    onConfirm=${async () => {
      await remove(apiPath`/lesions/${spot.id}`);
      toast(say("deleted"));
      goTo("spots");
    }}>
    <${Unread} instruction=${spot.instruction} />
    <p>${say("deleteSpotText", { name: nameOfSpot(spot) })}</p><//>`;

/** What is to be done next; a visit on whose day the advice itself says nothing, too. @param {NonNullable<Api["LesionView"]["reminder"]>} reminder @param {Api["LesionView"]["instruction"]} instruction */
const sayNext = ({ act, says, due }, instruction) => (due > today()
  ? say(act === "see_doctor" ? "reminderBy" : "reminderOn", { what: says, date: sayDueDay(due) })
  : act !== "see_doctor" ? `${say("whatToDo")}${colon()}${says}` : instruction?.due ? "" : say("visitPassed"));

/** What is mostly done with a spot: a photo comes first where it is what is to be done. The last day for a visit stands in the advice. @param {{spot: Api["LesionView"]}} props */
const Tools = ({ spot }) => {
  const { latest, reminder } = spot;
  const photo = !latest || ["send_photo", "photograph"].includes(reminder?.act ?? "");
  return html`
    <div class="row">
      <a class=${photo ? "button primary" : "button"} href="#/check/${spot.id}"><${Icon} name="camera" />${say("newPhotoOfIt")}</a>
      ${spot.findings > 1 && html`<a class="button" href="#/visits/${spot.id}">${say("sideBySide")}</a>`}
    </div>
    ${reminder && !reminder.last && !["send_photo", "ask_result"].includes(reminder.act) && html`<p>${sayNext(reminder, spot.instruction)}</p>`}`;
};

/** What is rarely done with it. @param {{spot: Api["LesionView"], onDone: () => void}} props */
const Changes = ({ spot, onDone }) => {
  const [open, setOpen] = useState("");
  const close = () => setOpen("");
  return html`
    <${Menu} name="spot" label=${say("moreAboutSpot")}>
      <button class="quiet" onClick=${() => setOpen("change")}>${say("changeSpot")}</button>
      ${!spot.deleted && html`<button class="quiet danger" onClick=${() => setOpen("delete")}>${say("deleteSpot")}</button>`}
    <//>
    ${open === "change" && html`<${ChangeSpot} spot=${spot} onDone=${onDone} onClose=${close} />`}
    ${open === "delete" && html`<${DeleteSpot} spot=${spot} onClose=${close} />`}`;
};

/** The photo of a finding, as large as there is room, below its number. @param {{number: number}} props */
const LargePhoto = ({ number }) => {
  const answer = useAnswer(async () => {
    const finding = await getFinding(String(number));
    return { finding, photo: await photoOf(finding) };
  }, [number]);
  useForgotten(answer.value?.photo);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {{finding: Api["FindingInCareView"], photo: string | null}} */ { finding, photo }) => html`
        <p class="eyebrow">${say("title_finding")} ${number}</p>
        <${FindingPhoto} finding=${finding} photo=${photo} heat=${finding.heat}>${() => null}<//>`}
    <//>`;
};

/** The letters about its findings, the newest first. @param {{spot: string}} props */
const LettersOfSpot = ({ spot }) => {
  const answer = useAnswer(() => get(apiPath`/lesions/${spot}/letters`), [spot]);
  /** @type {import("/console/views/letters.js").Signed[]} */
  const letters = [...(answer.value ?? [])].sort((one, other) => other.signed_at.localeCompare(one.signed_at));
  return letters.length > 0 && html`
    <section><h2>${say("letters")}</h2>
      ${letters.map((letter) => html`<${FoldedLetter} key=${letter._id} letter=${letter} />`)}</section>`;
};

/** What a doctor has decided, and what has come since. @param {{decision: Api["DecisionView"], conditions: Api["ConditionsView"]}} props */
const CurrentReview = ({ decision, conditions }) => html`
  <p class="likely">${decision.unjudged && decision.photo_wanted && `${say("unjudged")} `}<${DecisionLine} decision=${decision} conditions=${conditions} /></p>
  ${decision.signed_before && html`<p><small>${decision.signed_before}</small></p>`}`;

/** The finding whose picture and texts stand beside the instruction: the one that it names. @param {Api["LesionView"]} spot */
const shownOf = ({ latest, instruction }) => (instruction && !instruction.photo_deleted ? instruction.finding : latest?.id);

/** A spot, with what the doctor wrote beside the decision that counts, whom to call, and what the visit is like.
 * @param {string} id @returns {Promise<{spot: Api["LesionView"], report?: FindingReport | null}>} */
async function getSpot(id) {
  /** @type {Api["LesionView"]} */
  const spot = await get(apiPath`/lesions/${id}?lang=${getLanguage()}`);
  const { latest, instruction: told } = spot;
  if (!latest || !(latest.decision || told?.due)) return { spot };
  return { spot, report: await getReport(String(shownOf(spot))).catch(() => null) };
}

/** What is to be done stays when the patient has deleted the photos. @param {{spot: Api["LesionView"], conditions: Api["ConditionsView"]}} props */
const WithoutPhoto = ({ spot, conditions }) => {
  const { id, instruction, decision, review } = spot;
  return html`
    <div class="finding spot-now">
      <div>${instruction && html`<${Instruction} instruction=${instruction} view="finding" conditions=${conditions} here=${{ id: instruction.finding, lesion: id }}>
        <p>${say("photosDeleted")}</p><//>`}
        ${decision && html`<${PastDecision} decision=${decision} note=${review?.note} />`}
        <${Tools} spot=${spot} /></div>
    </div>`;
};

/** What is to be done and what it is likely to be, beside the photo that this was said of. @param {{spot: Api["LesionView"], report?: FindingReport | null, findings: Api["ListedFinding"][], conditions: Api["ConditionsView"]}} props */
const Now = ({ spot, report, findings, conditions }) => {
  const { latest, instruction } = spot;
  if (!latest) return html`<${WithoutPhoto} spot=${spot} conditions=${conditions} />`;
  const shown = shownOf(spot);
  const [decision, note] = [report?.decision, report?.review?.note]; // the current review of the spot, in the language of the page
  const counts = [latest, ...findings].find((one) => Number(one.id) === instruction?.finding);
  return html`
    <div class="finding spot-now">
      <div>${instruction && html`<${Instruction} instruction=${instruction} view="finding" conditions=${conditions}
        overdue=${spot.reminder?.act === "ask_result" && spot.reminder.due <= today()}>${instruction.from === "model" && counts && html`<p class="likely">${said(counts.headline.patient)}</p>`}
        ${decision && instruction.from === "review" && html`<${CurrentReview} decision=${decision} conditions=${conditions} />${note && html`<p class="note">${note}</p>`}`}<//>`}
        ${decision && instruction?.from !== "review" && html`<${PastDecision} decision=${decision} note=${note} />`}
        ${instruction?.due && report && html`<${Call} practice=${report.practice} said=${report.visit.length > 0} />`}</div>
      <div class="spot-photo"><${LargePhoto} key=${shown} number=${shown} /></div>
      <div><${Tools} spot=${spot} />${instruction?.due && html`<${YourVisit} rows=${report?.visit} />`}</div>
    </div>`;
};

/** `filters` name what one has come for: its messages. @param {{argument: string, filters: URLSearchParams}} props */
export const View = ({ argument, filters }) => {
  const answer = useAnswer(
    () => Promise.all([getSpot(argument), getAll("/lesions?limit=200"), getConditions(), get("/me")]),
    [argument, getLanguage()],
  );
  const pages = usePaging(apiPath`/lesions/${argument}/submissions?order=newest&limit=${PAGE}`);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const changed = (/** @type {Failed | null} */ problem) => {
    setError(problem);
    answer.reload();
    pages.reload();
  };
  return html`
    <p><a href="#/spots"><${Icon} name="back" size=${16} />${say("title_spots")}</a></p>
    <${Answer} answer=${answer} gone=${html`<${Empty} title=${say("spotGone")}><p>${say("spotGoneText")}</p><a class="button" href="#/spots">${say("title_spots")}</a><//>`}>
      ${(/** @type {[Awaited<ReturnType<typeof getSpot>>, Api["LesionView"][], Api["ConditionsView"], Api["Me"]]} */ [{ spot, report }, spots, conditions, me]) => html`
        <div class="row between spot-head"><h1>${nameOfSpot(spot)}</h1>
          <${Changes} spot=${spot} onDone=${() => changed(null)} /></div>
        <${Now} spot=${spot} report=${report} findings=${pages.value ?? []} conditions=${conditions} />
        <${AskSide} spot=${spot} onDone=${() => changed(null)} />
        ${error && html`<${Message} kind="bad"><p>${sayError(error)}</p><p>${say("nowNewest")}</p><//>`}
        <${Answer} answer=${pages}>
          ${(/** @type {Api["ListedFinding"][]} */ items) => (items.length === 0 ? !spot.instruction && html`<${Empty} title=${say("noPhotoYet")} />` : html`
            <section><h2>${say("course", { count: spot.findings })}</h2>
              <${OwnFindings} items=${items} spot=${spot.id} spots=${spots} onChange=${changed} />
              <${Turn} ...${pages} /></section>`)}
        <//>
        <${LettersOfSpot} key=${`letters ${spot.id}`} spot=${spot.id} />
        <${OwnConversation} me=${me} spot=${spot.id} wanted=${filters.get("at") === "messages"} />
        ${spot.place && html`<details class="card"><summary>${say("placeOfSpot")}</summary><${SpotPlace} spot=${spot} /></details>`}`}
    <//>`;
};
