// @ts-check
// Which doctor works on a case: taken, given back, and a colleague who is asked for a second opinion.

import { html, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, put, remove } from "/console/api.js";
import { Field, Form, Message, sayError, toast, useKeys } from "/console/components.js";
import { isolated, say, sayAge } from "/console/language.js";
import { Reviewed } from "/console/views/finding.js";

/** @param {Api["OpinionView"]} opinion */
const sayOpinion = ({ of_me, doctor, colleague }) =>
  of_me ? say("opinionOfMe", { name: isolated(doctor) }) : say("opinionOf", { name: isolated(colleague) });

/** Who has taken a case, and who is asked about it, in a list; nothing where nobody. @param {{work: Api["CaseView"]}} props */
export const WorkLine = ({ work }) => {
  // A server of the version before says nothing of it.
  const { taken_by: by, mine, opinion, opinion_came_at: came } = work ?? {};
  const said = [
    came && say("opinionCame"),
    opinion && sayOpinion(opinion),
    by && (mine ? say("takenByMe") : say("takenBy", { name: isolated(by) })),
  ].filter(Boolean);
  return said.length > 0 && html`<span>${said.map((one) => html`<span class="mark">${one}</span> `)}</span>`;
};

/**
 * `onEnded` is called where the caller may not see the finding any more.
 * @param {{number: string, work: Api["CaseView"], onChanged: () => void, onEnded: () => void}} props
 */
export const CaseWork = ({ number, work, onChanged, onEnded }) => {
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const busy = useRef(false);
  const path = apiPath`/submissions/${number}/case`;
  const request = apiPath`/submissions/${number}/second-opinion`;
  const { opinion } = work;
  /** @param {() => Promise<any>} act */
  const change = async (act) => {
    if (busy.current) return;
    busy.current = true;
    setError(null);
    try {
      await act();
    } catch (problem) {
      setError(problem);
    }
    busy.current = false;
    onChanged();
  };
  const take = () => change(() => (work.mine ? remove(path) : put(path, undefined)));
  const ask = () => {
    if (opinion) return;
    setAsking(true);
    setTimeout(() => /** @type {HTMLElement | null} */ (document.querySelector("[name=colleague]"))?.focus());
  };
  const end = async () => {
    if (!opinion?.of_me) return change(() => remove(request));
    try {
      await remove(request);
      toast(say("opinionDeclined"));
      onEnded();
    } catch (problem) {
      setError(problem);
    }
  };
  /** @param {Record<string, string>} values */
  const send = async ({ colleague }) => {
    try {
      await put(request, { colleague: colleague.trim() });
    } catch (problem) {
      throw problem.status === 404 ? { message: say("noColleague") } : problem;
    }
    setAsking(false);
    toast(say("opinionAsked"));
    onChanged();
  };
  useKeys({ t: take, s: ask });
  const taken = work.taken_by && !work.mine && say("takenByAt", { name: isolated(work.taken_by), age: sayAge(/** @type {string} */ (work.taken_at)) });
  return html`
    <section class="card work" aria-label=${say("caseWork")}>
      ${taken && html`<p>${taken}</p>`}
      ${work.mine && html`<p>${say("takenByMe")} · ${sayAge(/** @type {string} */ (work.taken_at))}</p>`}
      ${opinion && html`<p>${sayOpinion(opinion)} · ${sayAge(opinion.asked_at)}</p>`}
      ${work.opinion_came_at &&
      html`<p><strong>${say("opinionCame")}</strong> · ${sayAge(work.opinion_came_at)}</p>
        <p>${say("opinionCameText")}</p>`}
      <div class="row">
        ${work.opinion_came_at &&
        html`<button class="opinion-close" onClick=${() => change(() => remove(`${request}/answer`))}>${say("opinionClose")}</button>`}
        ${work.free &&
        html`<button class="take" onClick=${take}>${say(work.mine ? "caseGiveBack" : taken ? "caseTakeOver" : "caseTake")}<kbd aria-hidden="true">t</kbd></button>`}
        ${opinion
          ? html`<button class="quiet" onClick=${end}>${say(opinion.of_me ? "opinionDecline" : "opinionWithdraw")}</button>`
          : !asking && html`<button onClick=${ask}>${say("opinionAsk")}<kbd aria-hidden="true">s</kbd></button>`}
      </div>
      ${asking &&
      !opinion &&
      html`<${Form} label=${say("opinionSend")} onSend=${send}>
        <${Field} name="colleague" label=${say("colleague")} hint=${say("colleagueHint")} type="email" autocomplete="off" required />
      <//>`}
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    </section>`;
};

/**
 * A colleague's second opinion, which no patient sees. `onUse` is there where the doctor may sign the same.
 * @param {{review: Api["ReviewView"], conditions: Api["ConditionsView"], onUse?: (() => void) | false}} props
 */
export const SecondOpinion = ({ review, conditions, onUse }) => html`
  <section class="second-opinion">
    <p><span class="mark">${say("opinionUnpublished")}</span></p>
    <${Reviewed} review=${review} conditions=${conditions} />
    ${onUse && html`<button class="use" onClick=${onUse}>${say("opinionUse")}</button>`}
  </section>`;
