// A colleague who is asked for a second opinion on a case.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getAll, post, put, remove } from "/console/api.js";
import { Answer, Form, Message, Select, signByKey, TextArea, toastAbout, useAct, useAnswer, useKeys } from "/console/components.js";
import { isolated, said, say, sayAge, sayDate, sayValue } from "/console/language.js";
import { nameOf } from "/console/views/finding.js";
import { labelsOf } from "/console/views/review_draft.js";

const sayOpinion = (/** @type {Api["OpinionView"]} */ { of_me, doctor, colleague }) =>
  of_me ? (doctor ? say("opinionOfMe", { name: isolated(doctor) }) : say("opinionOfMeByNobody")) : say("opinionOf", { name: isolated(colleague) });

/** Whether the caller is asked, and another doctor decides. @param {Partial<Api["CaseView"]>} work */
export const isAsked = ({ opinion }) => Boolean(opinion?.of_me && !opinion.in_charge);

/** @param {Api["OpinionView"]} opinion */
const sayAsked = (opinion) => (opinion.colleague_gone ? say("colleagueGone", { name: isolated(opinion.colleague) }) : sayOpinion(opinion));

/** What colleagues were asked about a case, and answered. @param {Partial<Api["CaseView"]>} [work] */
export const sayWork = ({ opinion, opinion_came_at: came, disputed } = {}) => [
  ...(disputed ? [sayValue("disputed", disputed)] : []),
  ...(came ? [say("opinionCame")] : []),
  ...(opinion ? [sayAsked(opinion)] : []),
];

/** What a colleague asks, above all that the case says. @param {{opinion: Api["OpinionView"]}} props */
export const Asked = ({ opinion }) => html`
  <${Message}>
    <p><strong>${sayOpinion(opinion)}</strong> · ${sayAge(opinion.asked_at)}</p>
    ${opinion.question && html`<blockquote>${opinion.question}</blockquote>`}
  <//>`;

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

/** A colleague's answer. @param {{given: Api["GivenOpinion"], conditions: Api["ConditionsView"]}} props */
const SecondOpinion = ({ given, conditions }) => html`
  <section class="second-opinion">
    <p><span class="mark">${say("opinionUnpublished")}</span></p>
    ${given.question && html`<p>${say("opinionAskedFor")}</p><blockquote>${given.question}</blockquote>`}
    <p><strong>${isolated(given.signed_by)}</strong> · ${sayDate(given.created_at)}</p>
    ${given.label && html`<p><strong>${nameOf(conditions, given.label)}</strong></p>`}
    <p class="note">${given.comment}</p>
  </section>`;

/** The question, the answers, and what the doctor in charge does with them.
 * @param {{number: string, patient: string, work: Api["CaseView"], conditions: Api["ConditionsView"], mayAsk: boolean, onChanged: () => void}} props */
export const CaseWork = ({ number, patient, work, conditions, mayAsk, onChanged }) => {
  const [asking, setAsking] = useState(false);
  const { run, failed } = useAct();
  const request = apiPath`/submissions/${number}/second-opinion`;
  const { opinion, opinions = [] } = work;
  const closed = !opinion || opinion.colleague_gone;
  const ask = () => mayAsk && closed && setAsking(true);
  const end = () => run(() => remove(request)).then(onChanged);
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
  if (!mayAsk && !opinion && !opinions?.length) return null;
  return html`
    <section class="card work" aria-label=${say("caseWork")}>
      ${opinion && !opinion.of_me && html`<p>${sayAsked(opinion)} · ${sayAge(opinion.asked_at)}</p>${opinion.question && html`<blockquote>${opinion.question}</blockquote>`}`}
      ${work.opinion_came_at && html`<p><strong>${say("opinionCame")}</strong> · ${sayAge(work.opinion_came_at)}</p>
        <p>${say("opinionCameText")}</p>`}
      ${opinions?.map((given) => html`<${SecondOpinion} key=${given._id} given=${given} conditions=${conditions} />`)}
      <div class="row">
        ${(opinion || work.opinion_came_at) && html`<button class="quiet opinion-end" onClick=${end}>${say("opinionWithdraw")}</button>`}
        ${closed && mayAsk && !asking && html`<button onClick=${ask}>${say("opinionAsk")}<kbd aria-hidden="true">s</kbd></button>`}
      </div>
      ${asking && closed && html`<${AskColleague} onSend=${send} />`}
      ${failed}
    </section>`;
};

/** In place of the review: what the colleague who is asked answers.
 * @param {{number: string, patient: string, askedAt: string, conditions: Api["ConditionsView"], onGiven: () => void}} props */
export const GiveOpinion = ({ number, patient, askedAt, conditions, onGiven }) => {
  const labels = labelsOf(conditions).map(({ key, names }) => [key, said(names)]);
  const give = async (/** @type {Record<string, string>} */ { label, comment }) => {
    await post(apiPath`/submissions/${number}/opinion`, { label: label || null, comment }, `opinion-${number}-${askedAt}`);
    toastAbout(patient, say("opinionGiven"));
    onGiven();
  };
  return html`
    <section class="card" aria-label=${say("opinionYours")}>
      <h2>${say("opinionYours")}</h2>
      <${Form} label=${say("opinionGive")} onSend=${give}>
        <${Select} label=${say("label")} name="label" options=${[["", say("notSaid")], ...labels]} />
        <${TextArea} label=${say("opinionComment")} name="comment" required rows="3" maxlength="1000" hint=${say("noteForWhoAsked")} onKeyDown=${signByKey} />
      <//>
    </section>`;
};
