// Findings of a model version that was taken out of service, for the doctor in charge: their photos can be judged again.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, post } from "/console/api.js";
import { Empty, Icon, Load, Message, toast, useAct, useAnswer } from "/console/components.js";
import { say, sayDate } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { FindingRow } from "/console/views/queue_rows.js";
import { sayCorrected } from "/console/views/told_facts.js";

/** Those that have judged findings in one's care. @returns {Promise<Api["WithdrawnModel"][]>} */
export const getWithdrawn = () => get("/withdrawn-models");

const WithdrawnLinks = () =>
  (useAnswer(getWithdrawn, []).value ?? []).map(({ version, withdrawn_at }) => html`<${Message}>
    ${say("withdrawnModel", { version, date: sayDate(withdrawn_at) })} <a href="#/withdrawn/${version}">${say("withdrawnList")}</a><//>`);

/** Lets the photo of a finding be judged again, or leads to what came of it. @param {{finding: Pick<Api["QueuedFinding"], "id" | "photo_kept" | "judged_again">, onJudged: (number: number) => void}} props */
const JudgeAgain = ({ finding, onJudged }) => {
  const { run, busy, failed } = useAct();
  if (finding.judged_again) return html`<a class="button" href="#/case/${finding.judged_again}">${say("judgedAgain", { number: finding.judged_again })}</a>`;
  if (!finding.photo_kept) return html`<small>${say("judgeAgainNoPhoto")}</small>`;
  const judge = async () => {
    const { id } = await post(apiPath`/submissions/${finding.id}/judge-again`, undefined);
    toast(say("judgedAgain", { number: id }));
    onJudged(id);
  };
  return html`
    <button class="judge-again" disabled=${busy} onClick=${() => run(judge)}>${say(busy ? "sending" : "judgeAgain")}</button>
    ${failed}`;
};

/** Before all that an older judgement of the photo says. @param {{submission: Api["SubmissionView"], place: "finding" | "case"}} props */
export const JudgedAgain = ({ submission: { judged_again: newer }, place }) =>
  newer && html`<${Message} kind="warn"><p><a href="#/${place}/${newer}">${say("judgedAgain", { number: newer })}</a></p><//>`;

/** What became of the model that made a finding, and of its photo. @param {{submission: Api["SubmissionView"], doctor: boolean}} props */
export const ModelMark = ({ submission, doctor }) => {
  const { model, model_version: version, again_of: original, judged_again: newer, photo_sent_at: sent } = submission;
  const place = doctor ? "case" : "finding";
  const withdrawn = model?.state === "withdrawn";
  const said = [
    withdrawn && say(doctor ? "withdrawnModel" : "withdrawnForPatient", { version, date: sayDate(/** @type {string} */ (model.withdrawn_at)) }),
    withdrawn && !doctor && !newer && say("withdrawnAsk"),
    doctor && model?.state === "older" && say("olderModel", { version }),
    original && submission.corrected && say("correctedOf", { date: sayDate(`${submission.time.replace(" ", "T")}Z`), facts: sayCorrected(submission.corrected) }),
    original && !submission.corrected && say("againOf", { number: original, date: sayDate(/** @type {string} */ (sent)) }),
  ].filter(Boolean);
  if (said.length === 0) return null;
  return html`<${Message} kind=${withdrawn && doctor ? "bad" : "info"}>
    ${said.map((one) => html`<p>${one}</p>`)}
    ${original && html`<p><a href="#/${place}/${original}">${say("againOriginal", { number: original })}</a></p>`}
    ${doctor && withdrawn && !newer && html`<p><${JudgeAgain} finding=${submission} onJudged=${(/** @type {number} */ id) => (location.hash = `#/case/${id}`)} /></p>`}
  <//>`;
};

const OfVersion = (/** @type {{version: string}} */ { version }) => {
  const pages = usePages(`${apiPath`/withdrawn-models/${version}/submissions`}?limit=20`);
  return html`
    <p>${say("withdrawnText")}</p>
    <${Load} ask=${getConditions}>
      ${(/** @type {Api["ConditionsView"]} */ table) => html`
        <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("findingsEmpty")} />`}>
          ${(/** @type {Api["QueuedFinding"][]} */ items) => html`<ul class="list rows">${items.map((found) => html`
            <${FindingRow} key=${found.id} found=${found} conditions=${table}>
              <span class="above"><${JudgeAgain} finding=${found} onJudged=${() => pages.refresh()} /></span><//>`)}</ul>`}
        <//>`}
    <//>`;
};

export const View = (/** @type {{argument: string}} */ { argument }) => html`
  <p><a href="#/queue"><${Icon} name="back" size=${16} />${say("title_queue")}</a></p>
  <h1>${say("title_withdrawn")}</h1>
  ${argument ? html`<p><code>${argument}</code></p><${OfVersion} key=${argument} version=${argument} />` : html`<${WithdrawnLinks} />`}`;
