// One finding: three sentences, then the photo; the rest unfolds.

import { html, useEffect } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, getSession, saveFile } from "/console/api.js";
import { Answer, BandBadge, Failure, Icon, Message, useAct, useAnswer } from "/console/components.js";
import { Call, YourVisit } from "/console/clinic.js";
import { colon, getLanguage, isolated, said, say, sayDate, sayShare, sayShortDay, sayValue } from "/console/language.js";
import { replacePlace, scrollToTop } from "/console/navigation.js";
import { Decided, Due, Instruction, PastDecision, DoctorsDue } from "/console/views/decision.js";
import { FindingPhoto, photoOf, useForgotten } from "/console/views/finding_photo.js";
import { SignedLetter } from "/console/views/letters.js";
import { PlacesDiffer } from "/console/views/spot_points.js";
import { OwnFacts } from "/console/views/told_facts.js";
import { EarlierAnswers, JudgedAgain } from "/console/views/versions.js";
import { ModelMark } from "/console/views/model_mark.js";

/** @param {Api["ConditionsView"]} conditions @param {string} key */
export const nameOf = (conditions, key) =>
  said([...conditions.conditions, ...(conditions.review_only ?? [])].find((one) => one.key === key)?.names) || key;

/** @param {Api["ConditionsView"]} conditions @param {string} key */
export const isMalignant = (conditions, key) => conditions.conditions.some((one) => one.key === key && one.malignant);

/** A band's words, a patient's and a doctor's.
 * @param {Api["ConditionsView"]} conditions @param {string} band @returns {Partial<Api["BandWords"]> | undefined} */
const wordsOfBand = (conditions, band) => conditions.bands.find((one) => one.key === band)?.[getLanguage()];

/** As a patient reads it. @param {Api["ConditionsView"]} conditions @param {string} band */
export const labelForPatient = (conditions, band) => wordsOfBand(conditions, band)?.label ?? band;

/** As doctors and the people of the server read it. @param {Api["ConditionsView"]} conditions @param {string} band */
export const labelOfBand = (conditions, band) => wordsOfBand(conditions, band)?.doctor_label ?? band;

/** @param {{items: string[]}} props */
const Sentences = ({ items }) => items.length > 0 && html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;

/** Probabilities as bars, and as a list for screen readers.
 * @param {{rows: {name: string, share: number, malignant: boolean, marked?: boolean}[], label: string}} props */
const Bars = ({ rows, label }) => html`
  <ol class="bars" aria-label=${label}>
    ${rows.map(({ name, share, malignant, marked }) => html`
      <li class=${marked ? "marked" : ""}>
        <span class="bar-name">${name}</span>
        <span class="bar-share">${sayShare(share, malignant)}</span>
        <span class="bar" aria-hidden="true"><span style=${{ width: `${Math.max(0.5, 100 * share)}%` }}></span></span>
      </li>`)}
  </ol>`;

/** A patient reads whole numbers: below this each is one of many. */
const LEAST_SHOWN = 0.01;

/** What the headline names is marked. Where they are restated, a doctor unfolds the model's own.
 * @param {{report: FindingReport, conditions: Api["ConditionsView"], doctor: boolean}} props */
const Probabilities = ({ report: { facts, headline, reading }, conditions, doctor }) => {
  const named = new Set([headline.likely, ...headline.not_ruled_out].map((one) => one.key));
  const bars = (/** @type {Api["RankedCondition"][]} */ ranked) => html`
    <${Bars} label=${say("probabilities")} rows=${ranked.map((one) => ({
      name: (!doctor && said(conditions.notices.names[one.key]?.patient)) || nameOf(conditions, one.key),
      share: one.probability,
      malignant: isMalignant(conditions, one.key),
      marked: named.has(one.key),
    }))} />`;
  const { ranked } = facts.restated ?? facts;
  return html`
  <section>
    ${doctor && html`<h2>${say("probabilities")}</h2>`}
    ${bars(doctor ? ranked : ranked.filter((/** @type {Api["RankedCondition"]} */ one) => one.probability >= LEAST_SHOWN))}
    <small>${reading.restated || (doctor && reading.calibrated_on) || say("probabilitiesText")}</small>
    ${doctor && facts.restated && html`
      <details><summary>${say("ownFigures")}</summary>${bars(facts.ranked)}<small>${reading.calibrated_on}</small></details>`}
  </section>`;
};

/** Closed until one asks, unless it is `open`. @param {{title: string, open?: boolean, children?: unknown}} props */
const Folded = ({ title, open = false, children }) => html`
  <details class="card" open=${open}><summary>${title}</summary>${children}</details>`;

/** @param {Api["Source"]} source */
const nameOfSource = ({ publisher, citation }) => publisher ?? citation ?? "";

/** A link, or the PDF, leads to the rest of it. @param {Api["Source"]} source */
const shortName = (source) => nameOfSource(source).split(/[:,(]| et al/)[0].trim();

/** @param {Api["Source"]} source @param {string} name */
const citing = ({ url }, name) => (url ? html`<a href=${url} rel="noreferrer noopener" target="_blank">${name}</a>` : name);

/** For a patient, the sources of others, each once. @param {{passages: Api["PassageView"][]}} props */
const Sources = ({ passages }) => {
  const sources = new Map(passages.flatMap((one) => one.sources.filter(({ kind }) => kind !== "software")).map((one) => [shortName(one), one]));
  return sources.size > 0 && html`
    <details><summary>${say("sources")}</summary><p><small>${[...sources.values()].map((one, place) => html`${place > 0 && "; "}${citing(one, shortName(one))}`)}</small></p></details>`;
};

/** For a doctor, a sentence; behind it the passages on which it rests, where they have other words, and their sources.
 * @param {{sentence: Api["WordedSentence"], passages: Api["PassageView"][]}} props */
const Sentence = ({ sentence, passages }) => {
  const rests = passages.filter((one) => sentence.passages.includes(one.id) && one.sources.some(({ kind }) => kind !== "software"));
  if (rests.length === 0) return html`<p>${sentence.text}</p>`;
  return html`
    <details class="sentence"><summary>${sentence.text}</summary>
      ${rests.map(({ text, sources }) => html`<div>${text !== sentence.text && html`<q>${text}</q> `}${sources.map((source, place) => html`${place > 0 && "; "}${citing(source, nameOfSource(source))}`)}</div>`)}
    </details>`;
};

/** What a patient reads beside the figures, the colours and the doubts themselves, or need not know. */
const LEFT_OUT = ["finding.estimate", "finding.estimate_two", "finding.cancer", "finding.cancer_with", "general.figure", "general.heat_map", "general.too_close"];

/** What it means, and who has worded that. @param {{report: FindingReport, doctor: boolean}} props */
const Explanation = ({ report: { reading, narrative, passages, letters }, doctor }) => {
  const { writer, model, checker, kept, written } = narrative.source;
  const counts = (letters ?? []).filter((/** @type {Api["LetterView"]} */ one) => one.reader === "patient" && !one.written_before && !one.withdrawn);
  /** @param {Api["WordedSentence"]} one */
  const isNew = (one) => !one.passages.every((id) => LEFT_OUT.includes(id)) && !counts.some((/** @type {Api["LetterView"]} */ { text }) => text.includes(one.text));
  /** @type {Api["WordedSentence"][][]} */
  const paragraphs = reading.explanation
    .map((/** @type {Api["WordedSentence"][]} */ sentences) => sentences.filter((one) => (doctor ? !one.passages.every((id) => id.startsWith("general.")) : isNew(one)))).filter(({ length }) => length > 0);
  const told = paragraphs.flat().flatMap((one) => one.passages);
  return paragraphs.length > 0 && html`
    <${Folded} title=${say("explanation")} open=${!doctor && Boolean(reading.doubts)}>
      ${paragraphs.map((paragraph) => (doctor
        ? html`<div class="explained">${paragraph.map((sentence) => html`<${Sentence} sentence=${sentence} passages=${passages} />`)}</div>`
        : html`<p>${paragraph.map(({ text }) => text).join(" ")}</p>`))}
      ${!doctor && html`<${Sources} passages=${passages.filter((/** @type {Api["PassageView"]} */ { id }) => told.includes(id))} />`}
      ${writer === "llm" && html`<p><small>${say("wordedBy", { model, checker, kept, written })}</small></p>`}
    <//>`;
};

/** For a patient, how probable the model finds each name, and what it cannot know. @param {{report: FindingReport, conditions: Api["ConditionsView"]}} props */
const HowLikely = ({ report, conditions }) => html`
  ${!report.headline.not_skin && html`<${Probabilities} report=${report} conditions=${conditions} doctor=${false} />`}<${Sentences} items=${report.reading.limits} />`;

/** What the API says beyond its first three sentences, none of it twice; each source is a click away.
 * `due`: what to do stands above with its day. A doctor is not told what a patient is to do.
 * @param {{report: FindingReport, conditions: Api["ConditionsView"], doctor: boolean, due?: boolean}} props */
export const Rest = ({ report, conditions, doctor, due = false }) => {
  const { facts, reading } = report;
  // A doctor reads the doubts above.
  const findings = reading.findings.map((/** @type {string} */ text) => text.replace(reading.doubts, "").trim());
  const limits = reading.limits.filter((/** @type {string} */ text) => !conditions.notices.doubts.some((doubt) => said(doubt).includes(text)));
  return html`
    ${doctor && html`<${Folded} title=${say("howCertain")}>
      <${Probabilities} report=${report} conditions=${conditions} doctor=${true} />
      <${Sentences} items=${[!reading.doubts && reading.summary.certainty, ...findings].filter(Boolean)} />
      <h3>${say("limits")}</h3><${Sentences} items=${[...limits, ...reading.tested]} />
      ${facts.model_version && html`<p><small>${say("madeBy", { version: facts.model_version })}
        ${facts.operating_point && ` ${say("madeAt", { point: sayValue("point", facts.operating_point) })}`}</small></p>`}
    <//>`}
    ${!doctor && !due && reading.next_steps.length > 0 && html`<${Folded} title=${say("nextSteps")}><${Sentences} items=${reading.next_steps} /><//>`}
    <${Explanation} report=${report} doctor=${doctor} />
    ${!doctor && !report.decision && html`<${Folded} title=${say("howLikely")}><${HowLikely} report=${report} conditions=${conditions} /><//>`}`;
};

/** The headline, and what the picture alone says where the patient's facts changed it. @param {FindingReport} report */
const sayForDoctor = ({ headline }) => [headline.doctor, headline.doctor_facts_effect].filter(Boolean).map(said).join(" ");

/** What comes first, for whom it is: nobody suspects what the laboratory has found. `instruction`: what to do about the spot, and until when; a doctor reads `children` in its place.
 * @param {{report: FindingReport, doctor: boolean, conditions: Api["ConditionsView"], instruction?: Api["InstructionView"] | null, children?: unknown}} props */
const First = ({ report, doctor, conditions, instruction, children }) => {
  const { likely, to_do, certainty } = report.reading.summary;
  const icon = html`<${Icon} name=${report.band} size=${32} />`;
  const unknown = report.facts.raised_by.some((/** @type {string} */ rule) => ["little_tested", "untested_skin"].includes(rule));
  if (doctor) return html`<h1>${icon}${labelOfBand(conditions, report.band)}</h1>${children}<p>${sayForDoctor(report)} ${report.reading.doubts || (unknown && certainty)}</p>
    <details class="guideline"><summary>${say("whatToDo")}</summary><p class="action">${report.doctor_action}</p></details>`;
  // What does not look like skin is said first, and what to do about it after that.
  const [first, then] = report.headline.not_skin ? [likely, to_do] : [to_do, likely];
  const reason = report.reading.reason && html`<p class="how">${report.reading.reason}</p>`;
  return html`<h1>${icon}${first.replace(/^([^.]*)\.$/, "$1")}</h1>
    ${instruction?.due && html`<${Due} due=${instruction.due} /><p class="action how">${instruction.sentence}</p>`}<p class="action">${then}</p>${reason}<p>${certainty}</p>`;
};

/** What one of several pictures alone says, for a doctor: a patient reads what all of them say. @param {{picture: Api["PictureView"], conditions: Api["ConditionsView"]}} props */
export const Alone = ({ picture, conditions }) => html`
  <p>${say("pictureAlone")}${colon()}${said(picture.headline?.doctor)}
    <${BandBadge} band=${picture.band} label=${labelOfBand(conditions, picture.band)} /></p>`;

/** What the model said, without its urgency: what a doctor has decided counts. @param {{title: string | false, report: FindingReport, finding: Api["FindingView"], conditions: Api["ConditionsView"]}} props */
const ModelBefore = ({ title, report, finding, conditions }) => html`
  <${Folded} title=${[title, say(report.decision?.unjudged ? "modelSaidUnjudged" : "modelSaid", { date: sayDate(finding.judged_at ?? report.time) })].filter(Boolean).join(" · ")}>
    <p>${report.reading.summary.likely}</p><${HowLikely} report=${report} conditions=${conditions} /><//>`;

/** @param {Api["InstructionView"]} ofSpot @param {Pick<Api["FindingView"], "id">} finding */
const sayWhichCounts = (ofSpot, { id }) =>
  ofSpot.from === "comparison" ? say("comparisonCounts") : ofSpot.finding !== id && say(ofSpot.finding < id ? "earlierAdviceStays" : "newerAdviceCounts");

/** What the model said of a photo, where what was said of another one counts. @param {{title: string, report: FindingReport, counts: string | false}} props */
const ThisPhoto = ({ title, report: { reading }, counts }) => html`
  <section class="card">
    <p class="eyebrow">${title}</p>
    <h2>${reading.summary.likely}</h2>
    ${counts && html`<p>${counts}</p>`}
    <p><small>${reading.summary.certainty}</small></p>
  </section>`;

/** In a doctor's words. @param {Api["ConditionsView"]} conditions @param {string} key */
export const doctorNameOf = (conditions, key) => said(conditions.notices.names[key]?.doctor);

/** For a doctor, what the model said of a photo. It is folded below a review that is the instruction. @param {{report: FindingReport, finding: Api["FindingView"], conditions: Api["ConditionsView"]}} props */
const ModelThen = ({ report, finding, conditions }) => html`
  <details class="card model" open=${Boolean(report.spot_advice)}><summary>${say("modelThen", { date: sayShortDay(finding.judged_at ?? report.time) })}${colon()}${labelOfBand(conditions, report.facts.band)}</summary>
    <p>${sayForDoctor(report)} ${report.reading.doubts}</p></details>`;

/** What is to be done comes first, once: what the server says of the spot, where neither this finding nor its current review says the same
 * (`spot_advice`), else the review, else what the model says.
 * @param {{title: string, report: FindingReport, finding: Api["FindingView"] & {no_access?: boolean}, conditions: Api["ConditionsView"], doctor: boolean}} props */
export const Verdicts = ({ title, report, finding, conditions, doctor }) => {
  const { decision, review, spot_advice: elsewhere } = report;
  const { instruction } = finding;
  const own = instruction?.finding === finding.id; // no review of an earlier photo is shown as that of this one
  const again = html`<${JudgedAgain} finding=${finding} />`;
  if (!decision && !elsewhere)
    return html`
      <header class=${`verdict band-${report.band}`}>
        ${!doctor && html`<p class="eyebrow">${title}</p>`}
        <${First} report=${report} doctor=${doctor} conditions=${conditions} instruction=${instruction}><${DoctorsDue} due=${instruction?.due} /><//>
      </header>${again}`;
  const model = doctor ? html`<${ModelThen} report=${report} finding=${finding} conditions=${conditions} />`
    : decision && html`<${ModelBefore} title=${Boolean(elsewhere) && !own && title} report=${report} finding=${finding} conditions=${conditions} />`;
  if (!elsewhere || !instruction)
    return html`<${Decided} decision=${decision} note=${review?.note} doctor=${doctor} here=${finding} title=${title} />${again}${model}`;
  return html`
    <${Instruction} instruction=${instruction} view=${doctor ? "case" : "finding"} conditions=${conditions} here=${finding} />
    ${decision && html`<${PastDecision} decision=${decision} note=${review?.note} doctor=${doctor} />`}
    ${!doctor && (!decision || own) && html`<${ThisPhoto} title=${title} report=${report} counts=${sayWhichCounts(instruction, finding)} />`}
    ${again}${model}`;
};

/** `finding` is what has several photos, or one.
 * @param {{title: string, report: FindingReport, finding: Api["FindingView"], photo: string | null, conditions: Api["ConditionsView"],
 *   children?: unknown}} props */
export const FindingPage = ({ title, report, finding, photo, conditions, children }) => html`
  <article class="finding">
    ${report.patient && html`<p class="print-only">${isolated(report.patient.name)}</p>`}
    <${Verdicts} title=${title} report=${report} finding=${finding} conditions=${conditions} doctor=${false} />
    ${finding.instruction?.due && html`<${Call} practice=${report.practice} said=${report.visit?.length > 0} /><${YourVisit} rows=${report.visit} />`}
    ${finding.filed && html`<p class="filed"><small>${finding.filed.sentence}</small></p>`}
    ${!report.decision && !report.review && finding.will_look && html`<p class="will-look">${finding.will_look.sentence}</p>`}
    <div class="columns photo-first">
      <div>
        <${FindingPhoto} key=${finding.id} finding=${finding} photo=${photo} heat=${finding.heat} />
      </div>
      <div>
        <${ModelMark} finding=${finding} />
        ${children}
        <${Rest} report=${report} conditions=${conditions} doctor=${false} due=${Boolean(finding.instruction?.due)} />
        <${EarlierAnswers} finding=${finding} conditions=${conditions} />
      </div>
    </div>
  </article>`;

/** The report as PDF, in the language of this page. @param {{number: string}} props */
export const Downloads = ({ number }) => {
  const { run, busy, error } = useAct();
  const language = getLanguage();
  const download = () => run(() => saveFile(apiPath`/submissions/${number}/report.pdf?lang=${language}`, "application/pdf", `skinapi-${number}-${language}.pdf`));
  return html`
    <p><button class="quiet" disabled=${busy} onClick=${download}><${Icon} name="file" />${say(busy ? "printing" : "pdfReport")}</button></p>
    ${error && html`<${Failure} error=${error} />`}`;
};

/** What the server says of a finding now, in words. To read it issues no report: a PDF does. @param {string} number @param {string} [reader] @returns {Promise<FindingReport>} */
export const getReport = (number, reader = "patient") => get(apiPath`/submissions/${number}/report.json?lang=${getLanguage()}&issue=false&reader=${reader}`);

/** What is stored of it, with what to do about its spot in the words of this page. @param {string} number @returns {Promise<Api["FindingInCareView"]>} */
export const getFinding = (number) => get(apiPath`/submissions/${number}?lang=${getLanguage()}`);

/** Everything that the page of a finding shows. @param {string} number */
async function loadFinding(number) {
  const [finding, report, conditions] = await Promise.all([getFinding(number), getReport(number), getConditions()]);
  return { finding, report, conditions, photo: await photoOf(finding) };
}

/** The same as an answer, whose photo is forgotten with the page. @param {string} number */
function useFinding(number) {
  const answer = useAnswer(() => loadFinding(number), [number, getLanguage()]);
  useForgotten(answer.value?.photo);
  return answer;
}

/** The way to write to one's doctor, and to the spot of one's own finding. @param {{finding: Api["FindingInCareView"], report: FindingReport}} props */
const SpotOfFinding = ({ finding: { instruction, lesion }, report }) => {
  const doctor = useAnswer(() => get("/me"), []).value?.doctor_name;
  const photoFirst = report.decision?.photo_wanted || instruction?.photo_wanted;
  const write = doctor && !photoFirst && html`
    <a class="button primary" href="#/spot/${lesion}?at=messages"><${Icon} name="message" />${say("writeTo", { name: isolated(doctor) })}</a>`;
  return html`<p class="row">${write}<a class="button" href="#/spot/${lesion}">${say("toSpot")}</a></p>`;
};

export const View = (/** @type {{argument: string}} */ { argument }) => {
  const answer = useFinding(argument);
  // These words are for the patient; the patient of a doctor has an id.
  const inCare = getSession()?.role === "doctor" && Boolean(answer.value?.finding.patient_id);
  useEffect(() => {
    if (inCare) replacePlace(`case/${argument}`);
  }, [inCare, argument]);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {Awaited<ReturnType<typeof loadFinding>>} */ { finding, report, conditions, photo }) => !inCare && html`
        <${FindingPage} title=${say("findingOf", { number: argument, date: sayDate(`${finding.time.replace(" ", "T")}Z`) })}
          report=${report} finding=${finding} photo=${photo} conditions=${conditions}>
          <${SpotOfFinding} finding=${finding} report=${report} />
          <${PlacesDiffer} finding=${finding} link=${true} />
          <${OwnFacts} finding=${finding} checklist=${conditions.checklist} onCorrected=${() => [answer.reload(), scrollToTop()]} />
          <${Downloads} number=${argument} />
          ${(report.letters ?? []).filter((/** @type {Api["LetterView"]} */ { reader }) => reader === "patient").map((/** @type {Api["LetterView"]} */ letter) =>
            html`<${SignedLetter} key=${letter._id} letter=${letter} decided=${!report.spot_advice} />`)}
        <//>`}
    <//>`;
};

/** `children`: what is done with it. @param {{review: Api["ReviewView"], conditions: Api["ConditionsView"], children?: unknown}} props */
export const Reviewed = ({ review, conditions, children }) => {
  const { label, certainty, urgency, sample } = review;
  const said = [
    certainty === "laboratory" ? `${say("certainty_laboratory")}${colon()}${nameOf(conditions, /** @type {string} */ (label))}` : label && nameOf(conditions, label),
    certainty === "suspected" && say("certainty_suspected"),
    labelOfBand(conditions, urgency),
    sample && say(/** @type {WordKey} */ (`sample_${sample}`)),
    review.photo_wanted && say("newPictureWanted"),
    review.voided && say("reviewVoided"),
  ];
  return html`
    <${Message}>
      <strong>${say("reviewedBy", { name: review.signed_by, date: sayDate(review.created_at) })}</strong>
      <p>${said.filter(Boolean).join(" · ")}</p>
      ${review.note && html`<p class="note">${review.note}</p>`}
      ${children}
    <//>`;
};
