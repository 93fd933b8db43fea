// @ts-check
// One of one's own spots: what is known of it, and its findings, the newest first.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions, patch, post, remove, saveFile } from "/console/api.js";
import { Answer, Confirm, Empty, Icon, Message, Pages, sayError, toast, useAnswer, usePages } from "/console/components.js";
import { getLanguage, say } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { OwnFindings, SpotFields, spotOf } from "/console/views/own_findings.js";
import { Instruction } from "/console/views/decision.js";
import { OwnConversation } from "/console/views/conversation.js";
import { AskSide, SpotPlace } from "/console/views/spot_place.js";
import { nameOfSpot, spotOptions } from "/console/views/spot_points.js";

/** So many findings are read at once. */
const PAGE = 20;

/** Another name, another place. @param {{spot: Api["LesionView"], onDone: () => void, onClose: () => void}} props */
const ChangeSpot = ({ spot, onDone, onClose }) => {
  const [fields, setFields] = useState(/** @type {import("/console/views/own_findings.js").Fields} */ ({ name: spot.name ?? "", place: spot.place }));
  const change = async () => {
    const { name, place } = spotOf(fields);
    // Only what was changed: the rest may be another by now, in another tab.
    await patch(apiPath`/lesions/${spot.id}`, { ...(name !== spot.name && { name }), ...(place !== spot.place && { place }) });
    onDone();
  };
  return html`
    <${Confirm} title=${say("changeSpot")} confirm=${say("save")} kind="primary" onConfirm=${change} onClose=${onClose}>
      <${SpotFields} ...${fields} onChange=${(/** @type {Partial<import("/console/views/own_findings.js").Fields>} */ changed) => setFields({ ...fields, ...changed })} />
    <//>`;
};

/** @param {{spot: Api["LesionView"], others: Api["LesionView"][], onDone: () => void, onClose: () => void}} props */
const JoinSpot = ({ spot, others, onDone, onClose }) => {
  const [other, setOther] = useState("");
  const join = async () => {
    if (!other) throw new Error(say("chooseSpot"));
    await post(apiPath`/lesions/${spot.id}/join`, { lesion: other });
    onDone();
  };
  return html`
    <${Confirm} title=${say("joinSpot")} confirm=${say("join")} onConfirm=${join} onClose=${onClose}>
      <p>${say("joinSpotText", { name: nameOfSpot(spot) })}</p>
      <div class="field"><label for="joined-spot">${say("whichSpot")}</label>
        <select id="joined-spot" name="joined" value=${other} onChange=${(/** @type {FieldEvent} */ event) => setOther(event.target.value)}>
          <option value="">${say("choose")}</option>${spotOptions(others)}
        </select></div>
    <//>`;
};

/** @param {{spot: Api["LesionView"], onClose: () => void}} props */
const DeleteSpot = ({ spot, onClose }) => html`
  <${Confirm} title=${say("deleteSpot")} confirm=${say("delete")} onClose=${onClose}
    onConfirm=${async () => {
      await remove(apiPath`/lesions/${spot.id}`);
      toast(say("deleted"));
      goTo("spots");
    }}><p>${say("deleteSpotText", { name: nameOfSpot(spot) })}</p><//>`;

/** What is mostly done with a spot. @param {{spot: Api["LesionView"]}} props */
const Tools = ({ spot }) => {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const remind = () =>
    saveFile(apiPath`/lesions/${spot.id}/reminder.ics?lang=${getLanguage()}`, "text/calendar", "skinapi.ics").then(() => setError(null), setError);
  return html`
    <div class="row">
      <a class="button primary" href="#/check/${spot.id}"><${Icon} name="camera" />${say("newPhotoOfIt")}</a>
      ${spot.findings > 1 && html`<a class="button" href="#/visits/${spot.id}">${say("sideBySide")}</a>`}
      ${spot.latest && html`<button onClick=${remind}><${Icon} name="routine" />${say("reminder")}</button>`}
    </div>
    ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}`;
};

/** What is rarely done with it. @param {{spot: Api["LesionView"], others: Api["LesionView"][], onDone: () => void}} props */
const Changes = ({ spot, others, onDone }) => {
  const [open, setOpen] = useState("");
  const close = () => setOpen("");
  return html`
    <div class="row">
      <button class="quiet" onClick=${() => setOpen("change")}>${say("changeSpot")}</button>
      ${others.length > 0 && html`<button class="quiet" onClick=${() => setOpen("join")}>${say("joinSpot")}</button>`}
      <button class="quiet danger" onClick=${() => setOpen("delete")}>${say("deleteSpot")}</button>
    </div>
    ${open === "change" && html`<${ChangeSpot} spot=${spot} onDone=${onDone} onClose=${close} />`}
    ${open === "join" && html`<${JoinSpot} spot=${spot} others=${others} onDone=${onDone} onClose=${close} />`}
    ${open === "delete" && html`<${DeleteSpot} spot=${spot} onClose=${close} />`}`;
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const answer = useAnswer(
    () => Promise.all([get(apiPath`/lesions/${argument}?lang=${getLanguage()}`), getAll("/lesions?limit=200"), getConditions()]),
    [argument, getLanguage()],
  );
  const pages = usePages(apiPath`/lesions/${argument}/submissions?order=newest&limit=${PAGE}`);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const changed = (/** @type {Failed | null} */ problem) => {
    setError(problem);
    answer.reload();
    pages.reload();
  };
  const none = html`<${Empty} title=${say("noPhotoYet")} />`;
  return html`
    <p><a href="#/spots"><${Icon} name="back" size=${16} />${say("title_spots")}</a></p>
    <${Answer} answer=${answer} gone=${html`<${Empty} title=${say("spotGone")}><p>${say("spotGoneText")}</p><a class="button" href="#/spots">${say("title_spots")}</a><//>`}>
      ${(/** @type {[Api["LesionView"], Api["LesionView"][], Api["ConditionsView"]]} */ [spot, spots, conditions]) => html`
        <h1>${nameOfSpot(spot)}</h1>
        <p>${say("countFindings", { count: spot.findings })}</p>
        <${AskSide} spot=${spot} onDone=${() => changed(null)} />
        ${spot.instruction && html`<div class="finding"><${Instruction} instruction=${spot.instruction} view="finding" /></div>`}
        <${Tools} spot=${spot} />
        ${error && html`<${Message} kind="bad"><p>${sayError(error)}</p><p>${say("nowNewest")}</p><//>`}
        <${Pages} pages=${pages} empty=${none}>
          ${(/** @type {any[]} */ items) => html`<${OwnFindings} items=${items} spot=${spot.id} spots=${spots} conditions=${conditions} onChange=${changed} />`}
        <//>
        <${SpotPlace} spot=${spot} />
        <${OwnConversation} key=${spot.id} spot=${spot.id} />
        <${Changes} spot=${spot} others=${spots.filter((one) => one.id !== spot.id)} onDone=${() => changed(null)} />`}
    <//>`;
};
