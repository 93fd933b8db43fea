// What became of the model version that made a finding, whose photo can be judged again.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post } from "/console/api.js";
import { Message, toast, useAct } from "/console/components.js";
import { say, sayDate } from "/console/language.js";

/** Lets the photo of a finding be judged again. @param {{finding: Api["FindingView"], onJudged: () => void}} props */
const JudgeAgain = ({ finding, onJudged }) => {
  const { run, busy, failed } = useAct();
  if (!finding.photo_kept) return html`<small>${say("judgeAgainNoPhoto")}</small>`;
  const judge = async () => {
    await post(apiPath`/submissions/${finding.id}/judge-again`, undefined);
    toast(say("judgedAgain", { number: finding.id }));
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
