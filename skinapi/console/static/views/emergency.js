// Break-glass, for admins: open one finding in an emergency, read it, and see who has opened which.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getAll, getConditions, post, put, remove } from "/console/api.js";
import { Answer, AskFirst, Change, Field, Form, Load, Message, Select, TextArea, toast, useAnswer } from "/console/components.js";
import { colon, getLanguage, isolated, say, sayDate, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { EarlierAnswers } from "/console/views/versions.js";
import { WrongPatient } from "/console/views/wrong_patient.js";
import { Downloads, getReport, getFinding, Rest, Reviewed, Verdicts } from "/console/views/finding.js";
import { FindingPhoto, photoOf, useForgotten } from "/console/views/finding_photo.js";
import { FoldedLetter } from "/console/views/letters.js";
import { OwnerFields } from "/console/views/login.js";

/** @typedef {Api["BreakGlassOfAdmin"]} Grant */

/** @param {{ended_at: string | null, ends_at: string}} grant */
const isRunning = ({ ended_at, ends_at }) => !ended_at && Date.parse(ends_at) > Date.now();

/** End it, whoever has it. @param {string} id */
const endGrant = (id) => remove(apiPath`/break-glass/${id}`).then(() => toast(say("glassEnded")));

const askedOf = (/** @type {Record<string, string>} */ { glassFinding, glassReason, ownPassword = "", ownCode }) => ({
  ...(/^[1-9][0-9]*$/.test(glassFinding.trim()) ? { number: Number(glassFinding) } : { email: glassFinding.trim() }),
  reason: glassReason,
  current_password: ownPassword,
  ...(ownCode && { code: ownCode }),
});

/** Who names a patient chooses one of the newest findings. @param {{opened: Api["OpenedBreakGlass"]}} props */
const Choose = ({ opened }) => html`
  <section class="card">
    <h2>${say("glassChoose")}</h2>
    <p>${say("glassChooseText")}</p>
    <${Form} label=${say("glassRead")} onSend=${async (/** @type {Record<string, string>} */ { glassChosen }) => {
      await put(apiPath`/break-glass/${opened._id}/finding`, { number: Number(glassChosen) });
      goTo(`emergency/${glassChosen}`);
    }}>
      <${Select} label=${say("glassFindings")} name="glassChosen" options=${opened.choices.map(({ number, created_at }) => [String(number), say("findingOf", { number, date: sayDate(created_at) })])} />
    <//>
  </section>`;

const Ask = (/** @type {{me: Api["Me"], onOpened: (opened: Api["OpenedBreakGlass"]) => void}} */ { me, onOpened }) => {
  const ask = async (/** @type {Record<string, string>} */ values) => {
    /** @type {Api["OpenedBreakGlass"]} */
    const opened = await post("/break-glass", askedOf(values)).catch((error) => {
      throw error.status === 404 ? new ApiError(404, "no_finding", say("glassNotFound")) : error;
    });
    if (opened.number) goTo(`emergency/${opened.number}`);
    else onOpened(opened);
  };
  return html`
    <section class="card">
      <h2>${say("glassAsk")}</h2>
      <p>${say("glassText")}</p>
      <${Message}>${say("glassTold")}<//>
      <${Form} label=${say("glassOpen")} kind="danger" onSend=${ask}>
        <${Field} label=${say("glassFinding")} name="glassFinding" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="200" required />
        <${TextArea} label=${say("reason")} name="glassReason" hint=${say("glassReasonHint")} rows="3" minlength="10" maxlength="500" required />
        <${OwnerFields} me=${me} />
      <//>
    </section>`;
};

/** @param {Grant} grant */
const sayEnd = (grant) => (isRunning(grant) ? say("glassUntil", { time: sayDate(grant.ends_at) }) : `${sayValue("glassEnd", grant.ended ?? "time")}`);

const Row = (/** @type {{grant: Grant, own: boolean, onEnded: () => void}} */ { grant, own, onEnded }) => html`
  <li>
    <div class="grow">
      <strong>${grant.number ? say("findingNumber", { number: grant.number }) : say("glassNoNumber")}</strong>
      <span>${isolated(grant.admin_name ?? say("glassGone"))} · <time datetime=${grant.created_at}>${sayDate(grant.created_at)}</time></span>
      ${grant.reason && html`<p class="note">${isolated(grant.reason)}</p>`}
    </div>
    <span class="mark">${sayEnd(grant)}</span>
    ${isRunning(grant) && own && grant.number && html`<a class="button quiet" href="#/emergency/${grant.number}">${say("glassRead")}</a>`}
    ${isRunning(grant) && html`<${AskFirst} words=${say("glassClose")} look="quiet" title=${say("glassCloseAsk")} onConfirm=${() => endGrant(grant._id).then(onEnded)}><${Change} before=${sayEnd(grant)} after=${say("glassEnd_closed")} /><p>${say("glassCloseText")}</p><//>`}
  </li>`;

const Emergencies = (/** @type {{me: Api["Me"]}} */ { me }) => {
  const pages = usePages("/break-glass?limit=50");
  const [opened, setOpened] = useState(/** @type {Api["OpenedBreakGlass"] | null} */ (null));
  const onChange = (/** @type {Api["OpenedBreakGlass"] | null} */ found) => {
    setOpened(found);
    pages.reload();
  };
  return html`
    ${opened ? html`<${Choose} opened=${opened} />` : html`<${Ask} me=${me} onOpened=${onChange} />`}
    <${Pages} pages=${pages} empty="">
      ${(/** @type {Grant[]} */ grants) => html`
        <h2>${say("glassList")}</h2>
        <ul class="list">${grants.map((grant) => html`<${Row} key=${grant._id} grant=${grant} own=${grant.admin === me._id} onEnded=${() => onChange(null)} />`)}</ul>`}
    <//>`;
};

export const BreakGlass = () => html`<${Load} ask=${() => get("/me")}>${(/** @type {Api["Me"]} */ me) => html`<${Emergencies} me=${me} />`}<//>`;

async function loadEmergency(/** @type {string} */ number) {
  const [finding, report, reviews, conditions, grants] = await Promise.all([
    getFinding(number),
    getReport(number, "colleague"),
    getAll(apiPath`/submissions/${number}/reviews`),
    getConditions(),
    get("/break-glass?limit=50"),
  ]);
  /** @type {Api["BreakGlassOfAdmin"] | undefined} */
  const grant = grants.find((/** @type {Api["BreakGlassOfAdmin"]} */ one) => isRunning(one) && String(one.number) === number);
  return { finding, report, reviews, conditions, grant, photo: await photoOf(finding) };
}

const Banner = (/** @type {{grant: Api["BreakGlassOfAdmin"]}} */ { grant }) => html`
  <${Message} kind="bad">
    <p><strong>${say("glassBanner", { number: String(grant.number), time: sayDate(grant.ends_at) })}</strong> ${say("reason")}${colon()}<span class="note">${isolated(grant.reason)}</span></p>
    <${AskFirst} words=${say("glassClose")} title=${say("glassCloseAsk")} onConfirm=${() => endGrant(grant._id).then(() => goTo("data-protection/glass"))}><${Change} before=${sayEnd(grant)} after=${say("glassEnd_closed")} /><p>${say("glassCloseText")}</p><//>
  <//>`;

/** Whether its hour is over by now. @param {string | undefined} until */
function useIsOver(until) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (!until) return undefined;
    const timer = setTimeout(() => setOver(true), Math.max(0, Date.parse(until) - Date.now()));
    return () => clearTimeout(timer);
  }, [until]);
  return over;
}

export const View = (/** @type {{argument: string}} */ { argument }) => {
  const answer = useAnswer(() => loadEmergency(argument), [argument, getLanguage()]);
  useForgotten(answer.value?.photo);
  const over = useIsOver(answer.value?.grant?.ends_at);
  const gone = html`<h1>${say("title_emergency")}</h1><${Message}>${say("glassOver")}<//>
    <p><a class="button" href="#/data-protection/glass">${say("glassAsk")}</a></p>`;
  if (over) return gone;
  return html`
    <${Answer} answer=${answer} gone=${gone}>
      ${(/** @type {Awaited<ReturnType<typeof loadEmergency>>} */ { finding, report, reviews, conditions, grant, photo }) => html`
        ${grant && html`<${Banner} grant=${grant} />`}
        <article class="finding">
          <${Verdicts} title=${say("findingOf", { number: argument, date: sayDate(`${finding.time.replace(" ", "T")}Z`) })}
            report=${report} finding=${finding} conditions=${conditions} doctor />
          <div class="columns photo-first">
            <div><${FindingPhoto} key=${finding.id} finding=${finding} photo=${photo} heat=${finding.heat} /></div>
            <div>
              ${reviews.map((/** @type {Api["ReviewView"]} */ review) => html`<${Reviewed} key=${review._id} review=${review} conditions=${conditions} />`)}
              ${(report.letters ?? []).map((/** @type {Api["LetterView"]} */ letter) => html`<${FoldedLetter} key=${letter._id} letter=${letter} />`)}
              <${Downloads} number=${argument} />
              <${WrongPatient} number=${argument} decision=${finding.decision} onEntered=${() => goTo("data-protection/glass")} />
              <${EarlierAnswers} finding=${finding} conditions=${conditions} doctor />
              <${Rest} report=${report} conditions=${conditions} doctor />
            </div>
          </div>
        </article>`}
    <//>`;
};
