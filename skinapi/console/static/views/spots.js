// @ts-check
// A patient's home page: what waits for one to do, then one's spots on the body map, then the findings
// that belong to none.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getAll, getConditions, newKey, post } from "/console/api.js";
import { Answer, Confirm, Icon, Message, sayError, useAnswer } from "/console/components.js";
import { colon, getLanguage, isolated, say } from "/console/language.js";
import { Turn, usePaging } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { Approved } from "/console/views/waiting.js";
import { getInbox, Inbox } from "/console/views/inbox.js";
import { OwnErrors, OwnFindings } from "/console/views/own_findings.js";
import { SpotFields, spotOf } from "/console/views/sort_finding.js";
import { nameOfSpot, SpotPoints } from "/console/views/spot_points.js";
import { useWaiting } from "/console/waiting.js";

/** @typedef {import("/console/views/own_findings.js").Own} Own */

/** @param {{onClose: () => void}} props */
const NewSpot = ({ onClose }) => {
  const [fields, setFields] = useState({ name: "", place: { site: "" } });
  const [key] = useState(newKey);
  const create = async () => goTo(`spot/${(await post("/lesions", spotOf(fields), key)).id}`);
  return html`
    <${Confirm} title=${say("newSpot")} confirm=${say("create")} kind="primary" onConfirm=${create} onClose=${onClose}>
      <${SpotFields} ...${fields} onChange=${(/** @type {Partial<import("/console/views/sort_finding.js").Fields>} */ changed) => setFields({ ...fields, ...changed })} />
    <//>`;
};

/** A screen or two of them, however many there are. */
const UNSORTED = "/submissions?lesion=none&order=newest&limit=10";

/** @param {{doctor?: string | null}} props */
const Spots = ({ doctor }) => {
  const unread = useWaiting().messages.map((one) => `${one.lesion} ${one.unread}`).join();
  const answer = useAnswer(() => Promise.all([getInbox(), getAll("/lesions?limit=200"), getConditions()]), [getLanguage(), unread]);
  const pages = usePaging(UNSORTED);
  const [adding, setAdding] = useState(false);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const renewAll = () => {
    answer.reload();
    pages.reload();
  };
  const changed = (/** @type {Failed | null} */ problem) => {
    setError(problem);
    renewAll();
  };
  useEffect(() => {
    // Another window may have sorted them meanwhile.
    const renew = () => document.visibilityState === "visible" && renewAll();
    document.addEventListener("visibilitychange", renew);
    return () => document.removeEventListener("visibilitychange", renew);
  });
  return html`
    <div class="row between"><h1>${say("title_spots")}</h1><a class="button primary" href="#/check"><${Icon} name="camera" />${say("newPhoto")}</a></div>
    ${error && html`<${Message} kind="bad"><p>${sayError(error)}</p><p>${say("nowNewest")}</p><//>`}
    ${adding && html`<${NewSpot} onClose=${() => setAdding(false)} />`}
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["InboxView"], Api["LesionView"][], Api["ConditionsView"]]} */ [inbox, spots, conditions]) => html`
        <${Inbox} inbox=${inbox} />
        ${spots.length === 0
          ? html`<p class="lead">${say("spotsEmpty")} ${doctor && say("spotsEmptyDoctor", { name: isolated(doctor) })}</p>`
          : html`<${SpotPoints} spots=${spots} conditions=${conditions} view="spot" actions=${(/** @type {Api["LesionView"]} */ spot) => html`
              <a class="button quiet" href="#/check/${spot.id}" aria-label=${`${say("newPhotoOfIt")}${colon()}${nameOfSpot(spot)}`}><${Icon} name="camera" /></a>`} />`}
        <p><button class="quiet" onClick=${() => setAdding(true)}>${say("newSpot")}</button></p>
        <${Answer} answer=${pages}>
          ${(/** @type {Own[]} */ items) => (items.length > 0 || pages.back) && html`<section>
            <h2>${say("unsorted")}</h2>
            <p>${say("unsortedText")}</p>
            <${OwnFindings} items=${items} spot=${null} spots=${spots} conditions=${conditions} onChange=${changed} />
            <${Turn} ...${pages} />
          </section>`}
        <//>
        <${OwnErrors} />`}
    <//>`;
};

export const View = () => html`<${Approved}>${(/** @type {Api["Me"]} */ me) => html`<${Spots} doctor=${me.doctor_name} />`}<//>`;
