// A colleague who is asked for a second opinion on a case.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getAll, put, remove } from "/console/api.js";
import { Answer, Form, Message, Select, signByKey, TextArea, toastAbout, useAct, useAnswer, useKeys } from "/console/components.js";
import { isolated, say, sayAge, sayValue } from "/console/language.js";
import { Reviewed } from "/console/views/finding.js";

const sayOpinion = (/** @type {Api["OpinionView"]} */ { of_me, doctor, colleague }) =>
  of_me ? (doctor ? say("opinionOfMe", { name: isolated(doctor) }) : say("opinionOfMeByNobody")) : say("opinionOf", { name: isolated(colleague) });

/** Whether the caller is asked, and another doctor decides. @param {Partial<Api["CaseView"]>} work */
export const isAsked = ({ opinion }) => Boolean(opinion?.of_me && !opinion.in_charge);

/** Why none comes; of a request from before this was stored, too. @param {Partial<Api["CaseView"]>} work */
const lostOf = ({ opinion_lost: lost, opinion }) => lost ?? (opinion?.colleague_gone ? "gone" : undefined);

/** What colleagues were asked about a case, and answered. @param {Partial<Api["CaseView"]>} [work] */
export const sayWork = (work = {}) => {
  const { opinion, opinion_came_at: came, disputed } = work;
  const lost = lostOf(work);
  return [
    ...(disputed ? [sayValue("disputed", disputed)] : []),
    ...(came ? [say("opinionCame")] : []),
    ...(lost ? [sayValue("opinionLost", lost)] : opinion ? [sayOpinion(opinion)] : []),
  ];
};

/** What a colleague asks, above all that the case says. @param {{opinion: Api["OpinionView"]}} props */
export const Asked = ({ opinion }) => html`
  <${Message}>
    <p><strong>${sayOpinion(opinion)}</strong> · ${sayAge(opinion.asked_at)}</p>
    ${opinion.question && html`<blockquote>${opinion.question}</blockquote>`}
  <//>`;

/** That no second opinion comes, above all that the case says. @param {{work: Api["CaseView"]}} props */
export const OpinionLost = ({ work }) => {
  const lost = lostOf(work);
  return lost && html`<${Message}><p><strong>${sayValue("opinionLost", lost)}</strong></p><p>${say("opinionLostText")}</p><//>`;
};

/** What another system says of a signed finding. @param {{work: Partial<Api["CaseView"]>}} props */
export const Disputed = ({ work: { disputed } }) =>
  disputed && html`<${Message}><p><strong>${sayValue("disputed", disputed)}</strong></p><p>${say("disputedText")}</p><//>`;

/** Whom one asks, by name, and what. @param {{onSend: (values: Record<string, string>) => Promise<void>}} props */
const AskColleague = ({ onSend }) => {
  const answer = useAnswer(() => getAll("/colleagues?limit=200"), []);
  useEffect(() => /** @type {HTMLElement | null} */ (document.querySelector("[name=colleague]"))?.focus(), [answer.value]);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Api["Colleague"][]} */ colleagues) => html`
        <${Form} label=${say("opinionSend")} kind="" onSend=${onSend}>
          <${Select} label=${say("colleague")} name="colleague" required hint=${say("colleagueHint")}
            options=${[["", say("choose")], ...colleagues.map(({ _id, name, email }) => [_id, `${isolated(name)} · ${email}`])]} />
          <${TextArea} label=${say("opinionQuestion")} name="question" rows="2" maxlength="500" onKeyDown=${signByKey} />
        <//>`}
    <//>`;
};

/** `onEnded` is called where the caller may not see the finding any more.
 * @param {{number: string, patient: string, spot?: string | null, work: Api["CaseView"], mayAsk: boolean, onChanged: () => void, onEnded: () => void}} props */
export const CaseWork = ({ number, patient, spot, work, mayAsk, onChanged, onEnded }) => {
  const [asking, setAsking] = useState(false);
  const { run, failed } = useAct();
  const request = apiPath`/submissions/${number}/second-opinion`;
  const { opinion } = work;
  const lost = lostOf(work);
  const asked = isAsked(work);
  const change = (/** @type {() => Promise<unknown>} */ act) => run(act).then(onChanged);
  const closed = !opinion || lost;
  const ask = () => mayAsk && closed && setAsking(true);
  const decline = async () => {
    await remove(request);
    toastAbout(patient, say("opinionDeclined"));
    onEnded();
  };
  const end = () => (asked ? run(decline) : change(() => remove(`${request}${spot ? `?spot_state=${spot}` : ""}`)));
  const send = async (/** @type {Record<string, string>} */ { colleague, question }) => {
    try {
      await put(request, { colleague, ...(question.trim() && { question }) });
    } catch (problem) {
      throw problem.status === 404 ? { message: say("noColleague") } : problem;
    }
    setAsking(false);
    toastAbout(patient, say("opinionAsked"));
    onChanged();
  };
  useKeys({ s: ask });
  return html`
    <section class="card work" aria-label=${say("caseWork")}>
      ${opinion && !opinion.of_me && html`<p>${sayOpinion(opinion)} · ${sayAge(opinion.asked_at)}</p>${opinion.question && html`<blockquote>${opinion.question}</blockquote>`}`}
      ${work.opinion_came_at && html`<p><strong>${say("opinionCame")}</strong> · ${sayAge(work.opinion_came_at)}</p>
        <p>${say("opinionCameText")}</p>`}
      <div class="row">
        ${(opinion || work.opinion_came_at || work.opinion_lost) && html`<button class="quiet opinion-end" onClick=${end}>${say(asked ? "opinionDecline" : "opinionWithdraw")}</button>`}
        ${closed && mayAsk && !asking && html`<button onClick=${ask}>${say("opinionAsk")}<kbd aria-hidden="true">s</kbd></button>`}
      </div>
      ${asking && closed && html`<${AskColleague} onSend=${send} />`}
      ${failed}
    </section>`;
};

/** A colleague's second opinion, which no patient sees. `onUse` is there where the doctor may sign the same.
 * @param {{review: Api["ReviewView"], conditions: Api["ConditionsView"], onUse?: (() => void) | false}} props */
export const SecondOpinion = ({ review, conditions, onUse }) => html`
  <section class="second-opinion">
    <p><span class="mark">${say("opinionUnpublished")}</span></p>
    ${review.question && html`<p>${say("opinionAskedFor")}</p><blockquote>${review.question}</blockquote>`}
    <${Reviewed} review=${review} conditions=${conditions} />
    ${onUse && html`<button class="use" onClick=${onUse}>${say("opinionUse")}</button>`}
  </section>`;
