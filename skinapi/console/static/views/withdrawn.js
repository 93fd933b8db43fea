// Findings of a model version that was taken out of service, for the doctor in charge: their photos can be judged again.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, post } from "/console/api.js";
import { Empty, Icon, Load, Message, toast, useAct, useAnswer } from "/console/components.js";
import { say, sayDate } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { goTo } from "/console/navigation.js";
import { FindingRow } from "/console/views/queue_rows.js";

/** Those that have judged findings in one's care. @returns {Promise<Api["WithdrawnModel"][]>} */
export const getWithdrawn = () => get("/withdrawn-models");

const WithdrawnLinks = () =>
  (useAnswer(getWithdrawn, []).value ?? []).map(({ version, withdrawn_at }) => html`<${Message}>
    ${say("withdrawnModel", { version, date: sayDate(withdrawn_at) })} <a href="#/withdrawn/${version}">${say("withdrawnList")}</a><//>`);

/** Lets the photo of a finding be judged again. @param {{finding: Pick<Api["QueuedFinding"], "id" | "photo_kept">, onJudged: () => void}} props */
const JudgeAgain = ({ finding, onJudged }) => {
  const { run, busy, failed } = useAct();
  if (!finding.photo_kept) return html`<small>${say("judgeAgainNoPhoto")}</small>`;
  const judge = async () => {
    await post(apiPath`/submissions/${finding.id}/judge-again`, undefined);
    toast(say("judgedAgain", { number: finding.id }), () => goTo(`case/${finding.id}`), say("toFinding", { number: finding.id }));
    onJudged();
  };
  return html`
    <button class="judge-again" disabled=${busy} onClick=${() => run(judge)}>${say(busy ? "sending" : "judgeAgain")}</button>
    ${failed}`;
};

/** What became of the model that made a finding; `onJudged`: for a doctor. @param {{finding: Api["FindingView"], onJudged?: () => void}} props */
export const ModelMark = ({ finding, onJudged }) => {
  const { model, model_version: version } = finding;
  const doctor = Boolean(onJudged);
  const withdrawn = model?.state === "withdrawn";
  const said = [
    withdrawn && say(doctor ? "withdrawnModel" : "withdrawnForPatient", { version, date: sayDate(/** @type {string} */ (model.withdrawn_at)) }),
    withdrawn && !doctor && say("withdrawnAsk"),
    doctor && model?.state === "older" && say("olderModel", { version }),
  ].filter(Boolean);
  if (said.length === 0) return null;
  return html`<${Message} kind=${withdrawn && doctor ? "bad" : "info"}>
    ${said.map((one) => html`<p>${one}</p>`)}
    ${doctor && withdrawn && html`<p><${JudgeAgain} finding=${finding} onJudged=${onJudged} /></p>`}
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
