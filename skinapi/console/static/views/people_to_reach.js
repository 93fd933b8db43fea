// @ts-check
// Who deleted the account before being told of a finding: how to reach them, until that is done.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, post } from "/console/api.js";
import { Answer, Empty, Icon, useAct, useAnswer } from "/console/components.js";
import { getLanguage, isolated, say, sayCount, sayDate } from "/console/language.js";
import { labelOfBand } from "/console/views/finding.js";

/** @returns {Promise<Api["PersonToReachView"][]>} */
export const getPeopleToReach = () => get(`/people-to-reach?lang=${getLanguage()}`);

/** That there is somebody, where one works. @param {{people: Api["PersonToReachView"][]}} props */
export const ReachLink = ({ people }) =>
  people.length > 0 && html`<a class="to-reach" href="#/people-to-reach"><${Icon} name="referral" size=${16} /> ${sayCount("peopleToReach", people.length)}</a>`;

/** @param {{one: Api["PersonToReachView"], conditions: Api["ConditionsView"], onDone: () => void}} props */
const Person = ({ one, conditions, onDone }) => {
  const { run, busy, failed } = useAct();
  const end = () => run(() => post(apiPath`/people-to-reach/${one._id}/done`, undefined).then(onDone));
  return html`
    <section class="card">
      <h2>${isolated(one.name)}</h2>
      ${one.email && html`<p><a class="wrap" href=${`mailto:${one.email}`}>${one.email}</a></p>`}
      ${one.number && html`<p class="wrap">${say("toReachNumber", { value: isolated(one.number.value), system: isolated(one.number.system || "dicom") })}</p>`}
      ${one.sent_by && html`<p>${say("toReachSentBy", { name: isolated(one.sent_by) })}</p>`}
      <ul>${one.findings.map(({ number, found_at: found, why, name, suspected, urgency }) => html`
        <li key=${number}>${say("findingOf", { number, date: sayDate(found, false) })}: ${[name && (suspected ? say("toReachSuspected", { name }) : name), labelOfBand(conditions, urgency)].filter(Boolean).join(" · ")}<br />
          <small>${say(`toldWhy_${why}`)}</small></li>`)}</ul>
      <p><small>${say("toReachKept", { left: sayDate(one.left_at, false), until: sayDate(one.kept_until, false) })}</small></p>
      ${failed}
      <button disabled=${busy} onClick=${end}>${say("toReachDone")}</button>
    </section>`;
};

export const View = () => {
  const answer = useAnswer(() => Promise.all([getPeopleToReach(), getConditions()]), [getLanguage()]);
  return html`
    <h1>${say("title_people-to-reach")}</h1>
    <p>${say("toReachText")}</p>
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["PersonToReachView"][], Api["ConditionsView"]]} */ [people, conditions]) => people.length === 0
        ? html`<${Empty} title=${say("toReachNobody")} />`
        : people.map((one) => html`<${Person} key=${one._id} one=${one} conditions=${conditions} onDone=${answer.reload} />`)}
    <//>`;
};
