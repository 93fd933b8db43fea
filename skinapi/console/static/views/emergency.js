// @ts-check
// One finding as an admin reads it in an emergency: nothing is changed here, and each look is audited.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getAll, getConditions } from "/console/api.js";
import { Answer, AskFirst, Message, useAnswer } from "/console/components.js";
import { getLanguage, isolated, say, sayDate } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { endGrant, isRunning } from "/console/views/break_glass.js";
import { Downloads, getReport, getSubmission, Rest, Reviewed, Verdicts } from "/console/views/finding.js";
import { FindingPhoto, photoOf, useForgotten } from "/console/views/finding_photo.js";
import { FoldedLetter } from "/console/views/letters.js";
import { WrongPatient } from "/console/views/wrong_patient.js";

/** @param {string} number */
async function loadEmergency(number) {
  const [submission, report, reviews, conditions, grants] = await Promise.all([
    getSubmission(number),
    getReport(number),
    getAll(apiPath`/submissions/${number}/reviews`),
    getConditions(),
    get("/break-glass?limit=50"),
  ]);
  /** @type {Api["BreakGlassOfAdmin"] | undefined} */
  const grant = grants.find((/** @type {Api["BreakGlassOfAdmin"]} */ one) => isRunning(one) && String(one.number) === number);
  return { submission, report, reviews, conditions, grant, photo: await photoOf(submission) };
}

/** @param {{grant: Api["BreakGlassOfAdmin"]}} props */
const Banner = ({ grant }) => html`
  <${Message} kind="bad">
    <p><strong>${say("glassBanner", { time: sayDate(grant.ends_at) })}</strong> ${say("glassBannerReason")} <span class="note">${isolated(grant.reason)}</span></p>
    <${AskFirst} words=${say("glassClose")} title=${say("glassCloseAsk")} onConfirm=${() => endGrant(grant._id).then(() => goTo("data-protection/glass"))}><p>${say("glassCloseText")}</p><//>
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

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const answer = useAnswer(() => loadEmergency(argument), [argument, getLanguage()]);
  useForgotten(answer.value?.photo);
  const over = useIsOver(answer.value?.grant?.ends_at);
  const gone = html`<h1>${say("title_emergency")}</h1><${Message}>${say("glassOver")}<//>
    <p><a class="button" href="#/data-protection/glass">${say("glassAsk")}</a></p>`;
  if (over) return gone;
  return html`
    <${Answer} answer=${answer} gone=${gone}>
      ${(/** @type {Awaited<ReturnType<typeof loadEmergency>>} */ { submission, report, reviews, conditions, grant, photo }) => html`
        ${grant && html`<${Banner} grant=${grant} />`}
        <article class="finding">
          <${Verdicts} title=${say("findingOf", { number: argument, date: sayDate(`${submission.time.replace(" ", "T")}Z`) })}
            report=${report} submission=${submission} conditions=${conditions} doctor />
          <div class="columns photo-first">
            <div><${FindingPhoto} key=${submission.id} submission=${submission} photo=${photo} heat=${submission.heat} /></div>
            <div>
              ${reviews.map((/** @type {Api["ReviewView"]} */ review) => html`<${Reviewed} key=${review._id} review=${review} conditions=${conditions} />`)}
              ${(report.letters ?? []).map((/** @type {Api["LetterView"]} */ letter) => html`<${FoldedLetter} key=${letter._id} letter=${letter} />`)}
              <${Downloads} number=${argument} />
              <${WrongPatient} number=${argument} onEntered=${() => goTo("data-protection/glass")} />
              <${Rest} report=${report} conditions=${conditions} doctor />
            </div>
          </div>
        </article>`}
    <//>`;
};
