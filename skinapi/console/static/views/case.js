// @ts-check
// One finding of a patient, for the doctor in charge: what the model found, and the doctor's review.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, remove } from "/console/api.js";
import { Answer, Failure, Message, Pages, toast, useAnswer, useKeys, usePages } from "/console/components.js";
import { isolated, said, say, sayDate, sayValue } from "/console/language.js";
import { scrollToTop } from "/console/navigation.js";
import { sayPlace } from "/console/views/body_map.js";
import { CaseWork, SecondOpinion } from "/console/views/case_work.js";
import { FormerConversation, PatientConversation } from "/console/views/conversation.js";
import { SpotTimeline } from "/console/views/spot_timeline.js";
import { PlaceOfSpot } from "/console/views/spot_place.js";
import { Downloads, FindingPage, getReport, getSubmission, Reviewed, useFinding } from "/console/views/finding.js";
import { Letters } from "/console/views/letters.js";
import { findNext, FindingRow } from "/console/views/queue.js";
import { fillReview, focusOn, ReviewForm } from "/console/views/review_form.js";

/** What the page of a finding is drawn from. @typedef {NonNullable<ReturnType<typeof useFinding>["value"]>} Found */

/** What the patient told with the photo. @param {{submission: Api["SubmissionInCare"], checklist: Api["Checklist"]}} props */
const Context = ({ submission, checklist }) => {
  const { modality, body_site: site, body_laterality: laterality, body_side: side, age_band, sex, skin_tone, fitzpatrick, checklist: ticked } = submission.context;
  const rows = [
    [say("kind"), modality === "unknown" ? "" : sayValue("kind", modality)],
    [say("bodySite"), site && sayPlace({ site, laterality, side })],
    [say("age"), age_band && sayValue("age", age_band)],
    [say("sex"), sex && sayValue("sex", sex)],
    [say("skinTone"), skin_tone && sayValue("skin", skin_tone)],
    [say("skinType"), fitzpatrick],
  ].filter(([, told]) => told);
  const items = checklist.items.filter((item) => ticked?.includes(item.key));
  return html`
    <section class="card">
      <h2>${say("context")}</h2>
      ${rows.length === 0 && !ticked && html`<p>${say("nothingTold")}</p>`}
      ${rows.length > 0 && html`<dl class="pairs">${rows.map(([name, told]) => html`<dt>${name}</dt><dd>${told}</dd>`)}</dl>`}
      ${ticked &&
      html`<h3>${say("checklistScore", { score: submission.checklist_score })}</h3>
        ${items.length === 0 ? html`<p>${say("noneOfThese")}</p>` : html`<ul>${items.map((item) => html`<li>${said(item.doctor)}</li>`)}</ul>`}`}
    </section>`;
};

/** @param {{patient: string, number: string, conditions: Api["ConditionsView"]}} props */
const OtherFindings = ({ patient, number, conditions }) => {
  const pages = usePages(apiPath`/patients/${patient}/submissions?limit=10`);
  const none = html`<p>${say("noOthers")}</p>`;
  return html`
    <${Pages} pages=${pages} empty=${none}>
      ${(/** @type {Api["QueuedFinding"][]} */ items) => {
        const others = items.filter((one) => String(one.id) !== number);
        return others.length === 0
          ? none
          : html`<ul class="list">${others.map((found) => html`<${FindingRow} key=${found.id} found=${found} conditions=${conditions} named=${false} />`)}</ul>`;
      }}
    <//>`;
};

/** What the patient is not shown yet. @param {{number: string, until: string, onShown: () => void}} props */
const Held = ({ number, until, onShown }) => {
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const show = () => remove(apiPath`/submissions/${number}/hold`).then(onShown, setError);
  return html`
    <${Message}>
      <p><strong>${say("heldUntil", { date: sayDate(until) })}</strong></p>
      ${error && html`<${Failure} error=${error} />`}
      <button class="show-now" onClick=${show}>${say("showNow")}</button>
    <//>`;
};

/** @param {{number: string, finding: Found}} props */
const Case = ({ number, finding }) => {
  const { conditions, photo } = finding;
  const reviews = useAnswer(() => get(apiPath`/submissions/${number}/reviews`), [number]);
  // A server of the version before knows nothing of it, while the servers are upgraded one after the other.
  const work = useAnswer(() => get(apiPath`/submissions/${number}/case`).catch((error) => (error.status === 404 ? {} : Promise.reject(error))), [number]);
  const asked = work.value?.opinion?.of_me; // a colleague sees the finding until the review is signed
  const following = useAnswer(() => findNext(Number(number)), [number]);
  const [signed, setSigned] = useState(0);
  const [filled, setFilled] = useState(0);
  // A review may change what is said of the finding. The photo is not read again: that is audited.
  const renewed = useAnswer(async () => {
    if (!signed) return finding;
    const [report, submission] = await Promise.all([getReport(number), getSubmission(number)]);
    return { report, submission };
  }, [finding, signed]);
  const { report, submission } = renewed.value ?? finding;
  const goOn = () => {
    if (following.loading) return;
    if (following.value) location.hash = `#/case/${following.value}`;
    else {
      toast(say("queueEmpty"));
      location.hash = "#/queue";
    }
  };
  useKeys({ j: goOn });
  const came = work.value?.opinion_came_at && !asked;
  /** @param {Api["ReviewView"]} opinion */
  const use = (opinion) => {
    fillReview(number, opinion, report);
    setFilled(filled + 1);
    setTimeout(() => focusOn("[name=note]")); // the form is there once this has been drawn
  };
  const done = () => {
    if (asked) return goOn();
    setSigned(signed + 1);
    work.reload();
    reviews.reload();
    focusOn(".next-case");
  };
  const title = `${isolated(submission.user_name)} · ${say("findingOf", { number, date: sayDate(report.time) })}`;
  return html`
    <div class="case">
      <${FindingPage} title=${title} report=${report} submission=${submission} photo=${photo} conditions=${conditions} doctor>
        <div class="row">
          <button class="to-review" onClick=${() => focusOn("[name=agreement]")}>${say("review")}</button>
          <button class=${signed ? "next-case primary" : "next-case"} onClick=${goOn}>${say("nextCase")}<kbd aria-hidden="true">j</kbd></button>
          <${Downloads} number=${number} />
        </div>
      <//>
      <aside>
        ${work.error && html`<${Failure} error=${work.error} retry=${work.reload} />`}
        ${work.value?.free !== undefined && html`<${CaseWork} number=${number} work=${work.value} onChanged=${work.reload} onEnded=${goOn} />`}
        ${renewed.error && html`<${Failure} error=${renewed.error} retry=${renewed.reload} />`}
        ${report.decision?.held_until && html`<${Held} number=${number} until=${report.decision.held_until} onShown=${done} />`}
        <${Answer} answer=${reviews}>
          ${(/** @type {Api["ReviewView"][]} */ list) =>
            list.map((review) =>
              review.second_opinion
                ? html`<${SecondOpinion} key=${review._id} review=${review} conditions=${conditions} onUse=${came && (() => use(review))} />`
                : html`<${Reviewed} key=${review._id} review=${review} conditions=${conditions} />`,
            )}
        <//>
        <div><${ReviewForm} key=${`${number} ${signed} ${filled}`} number=${number} report=${report} conditions=${conditions}
          pictured=${submission.photo_kept} asked=${asked} onSigned=${done} /></div>
        ${!work.error && !asked && html`<${Letters} key=${`letters ${number}`} number=${number} may=${Boolean(work.value)} decision=${report.decision} />`}
        ${work.value && !asked && submission.lesion && html`<${PatientConversation} spot=${submission.lesion} about=${submission} />`}
        ${work.value && !asked && submission.former_lesion && html`<${FormerConversation} spot=${submission.former_lesion} />`}
        <${Context} submission=${submission} checklist=${conditions.checklist} />
        ${submission.lesion &&
        html`<section>
          <h2><a href="#/course/${submission.lesion}">${say("sameSpot")}</a></h2>
          <${PlaceOfSpot} spot=${submission.lesion} />
          <${SpotTimeline} spot=${submission.lesion} conditions=${conditions} without=${number} />
        </section>`}
        ${work.value && !asked && submission.patient_id &&
        html`<section>
          <h2>${say("otherFindings")}</h2>
          <${OtherFindings} patient=${submission.patient_id} number=${number} conditions=${conditions} />
        </section>`}
      </aside>
    </div>`;
};

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const answer = useFinding(argument);
  useEffect(() => scrollToTop(), []);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Found} */ finding) => html`<${Case} number=${argument} finding=${finding} />`}
    <//>`;
};
