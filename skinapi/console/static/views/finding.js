// @ts-check
// One finding: how urgent first, then what it may be, the photo, the doubts, and what to do next.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, apiPath, get, getConditions, getFile } from "/console/api.js";
import { Answer, Bars, Failure, Icon, Message, useAnswer } from "/console/components.js";
import { getLanguage, said, say, sayDate, sayPercent } from "/console/language.js";
import { HeatPhoto } from "/console/views/heat_photo.js";
import { addressOfSentPhoto } from "/console/views/sent.js";

/** @param {any} conditions @param {string} key */
export const nameOf = (conditions, key) =>
  said(conditions.conditions.find((/** @type {any} */ one) => one.key === key)?.names) || key;

/** The name of a class that is given as lists give it. @param {any} conditions @param {string} stated */
export const nameOfClass = (conditions, stated) =>
  said(conditions.conditions.find((/** @type {any} */ one) => one.names.angular === stated)?.names) || stated;

/** A band's words, a patient's and a doctor's. @param {any} conditions @param {string} band */
const wordsOfBand = (conditions, band) => said(conditions.bands.find((/** @type {any} */ one) => one.key === band));

/** As a patient reads it. @param {any} conditions @param {string} band */
export const labelForPatient = (conditions, band) => wordsOfBand(conditions, band)?.label ?? band;

/** As doctors and the people of the server read it. @param {any} conditions @param {string} band */
export const labelOfBand = (conditions, band) => wordsOfBand(conditions, band)?.doctor_label ?? band;

/** What cannot be ruled out, at the wider of the two levels. @param {{facts: any, conditions: any}} props */
const NotRuledOut = ({ facts, conditions }) => {
  const widest = facts.not_ruled_out.at(-1);
  if (!widest) return null;
  const keys = [...new Set([...widest.keys, ...widest.too_few])];
  const few = new Set(widest.too_few.filter((/** @type {string} */ key) => !widest.keys.includes(key)));
  return html`
    <section>
      <h2>${say("notRuledOut", { level: sayPercent(Number(widest.level)) })}</h2>
      ${keys.length === 0 && html`<p>${say("fitsNoClass")}</p>`}
      <ul class="plain">
        ${keys.map(
          (/** @type {string} */ key) => html`<li>${nameOf(conditions, key)}
            ${few.has(key) && html`<small>${say("tooFewPictures")}</small>`}</li>`,
        )}
      </ul>
    </section>`;
};

/** @param {{title: string, items: string[]}} props */
const Sentences = ({ title, items }) =>
  items.length > 0 &&
  html`<section><h2>${title}</h2><ul>${items.map((item) => html`<li>${item}</li>`)}</ul></section>`;

/** What the API lets be said of the condition, each sentence's source a click away. @param {{about: any}} props */
const About = ({ about }) => html`
  <details>
    <summary>${say("aboutCondition", { name: about.name })}</summary>
    ${about.sentences.map((/** @type {string} */ sentence) => html`<p>${sentence}</p>`)}
    <h3>${say("sources")}</h3>
    <ul>${about.sources.map((/** @type {any} */ source) => html`<li>
      <a href=${source.url} rel="noreferrer noopener" target="_blank">${source.publisher ?? source.citation}</a></li>`)}</ul>
  </details>`;

/**
 * @param {{title: string, report: any, heat: any, photo: string | null, conditions: any,
 *   children?: any, doctor?: boolean}} props
 */
export const FindingPage = ({ title, report, heat, photo, conditions, children, doctor = false }) => {
  const { facts, narrative } = report;
  const rows = facts.ranked.map((/** @type {any} */ one) => ({
    name: nameOf(conditions, one.key),
    share: one.probability,
    marked: one.key === facts.stated,
  }));
  return html`
    <article class="finding">
      <header class="verdict band-${report.band}">
        <p class="eyebrow">${title}</p>
        ${report.graver_review && html`<p class="action" role="alert">${report.graver_review}</p>`}
        <h1><${Icon} name=${report.band} size=${32} />${doctor ? report.doctor_label : report.band_label}</h1>
        <p class="action">${doctor ? report.doctor_action : report.action}</p>
        <p class="notice">${report.notice}</p>
      </header>
      ${children}
      <div class="columns photo-first">
        <div>
          <section>
            <h2>${facts.uncertain ? say("uncertain") : say("named")}</h2>
            <p class="named">${nameOf(conditions, facts.stated)}</p>
            <p>${narrative.sections.overview}</p>
          </section>
          <${NotRuledOut} facts=${facts} conditions=${conditions} />
          <section>
            <h2>${say("probabilities")}</h2>
            <${Bars} rows=${rows} label=${say("probabilities")} />
            <small>${say("probabilitiesText")}</small>
          </section>
        </div>
        <div>
          ${photo
            ? html`<${HeatPhoto} url=${photo} heat=${heat} />`
            : html`<${Message}>${say("photoNotKept")}<//>`}
        </div>
      </div>
      <div class="columns">
        <div>
          <${Sentences} title=${say("nextSteps")} items=${narrative.next_steps} />
          <section><h2>${say("whyEarly")}</h2><p>${narrative.sections.importance_of_early_detection}</p></section>
          ${report.about && html`<${About} about=${report.about} />`}
        </div>
        <div>
          <${Sentences} title=${say("limits")} items=${narrative.limits} />
          <section><h2>${say("howCertain")}</h2><p>${narrative.sections.confidence_explanation}</p></section>
        </div>
      </div>
    </article>`;
};

/** The report as PDF, and what else is offered. @param {{number: string, children?: any}} props */
export const Downloads = ({ number, children }) => {
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState("");
  /** @param {string} language */
  const download = async (language) => {
    setBusy(language);
    setError(null);
    try {
      const link = document.createElement("a");
      link.href = await getFile(apiPath`/submissions/${number}/report.pdf?lang=${language}`, "application/pdf");
      link.download = `skinapi-${number}-${language}.pdf`;
      link.click();
    } catch (problem) {
      setError(problem);
    }
    setBusy("");
  };
  const order = getLanguage() === "fr" ? ["fr", "en"] : ["en", "fr"];
  return html`
    <div class="row">
      ${order.map(
        (language, index) => html`
          <button class=${index ? "" : "primary"} disabled=${busy !== ""} onClick=${() => download(language)}>
            <${Icon} name="file" />${busy === language ? say("printing") : say(language === "fr" ? "pdfFrench" : "pdfEnglish")}
          </button>`,
      )}
      ${children}
    </div>
    ${error && html`<${Failure} error=${error} />`}`;
};

/** The kept photo, the one that was just sent, or none. @param {string} number @param {boolean} kept */
async function photoOf(number, kept) {
  const sent = addressOfSentPhoto(number);
  if (sent) return sent;
  if (!kept) return null;
  return getFile(apiPath`/submissions/${number}/photo`, "image/jpeg").catch((error) => {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  });
}

/** What the server says of a finding now, in words. @param {string} number */
export const getReport = (number) => get(apiPath`/submissions/${number}/report.json?lang=${getLanguage()}`);

/** Everything that the page of a finding shows. @param {string} number */
async function loadFinding(number) {
  const [submission, report, conditions] = await Promise.all([
    get(apiPath`/submissions/${number}`),
    getReport(number),
    getConditions(),
  ]);
  return { submission, report, conditions, photo: await photoOf(number, submission.photo_kept) };
}

/** The same as an answer, whose photo is forgotten with the page. @param {string} number */
export function useFinding(number) {
  const answer = useAnswer(() => loadFinding(number), [number, getLanguage()]);
  const photo = answer.value?.photo;
  useEffect(() => () => {
    if (photo?.startsWith("blob:")) URL.revokeObjectURL(photo);
  }, [photo]);
  return answer;
}

/** @param {{argument: string}} props */
export const View = ({ argument }) => {
  const answer = useFinding(argument);
  return html`
    <${Answer} answer=${answer}>
      ${(/** @type {any} */ { submission, report, conditions, photo }) => html`
        <${FindingPage} title=${say("findingOf", { number: argument, date: sayDate(`${submission.time.replace(" ", "T")}Z`) })}
          report=${report} heat=${submission.heat} photo=${photo} conditions=${conditions}>
          <${Downloads} number=${argument}><a class="button" href="#/check">${say("checkAnother")}</a><//>
          ${report.review && html`<${Reviewed} review=${report.review} conditions=${conditions} graver=${Boolean(report.graver_review)} />`}
        <//>`}
    <//>`;
};

/** @param {{review: any, conditions: any, graver?: boolean}} props */
export const Reviewed = ({ review, conditions, graver = false }) => html`
  <${Message} kind=${graver ? "bad" : "good"}>
    <strong>${say("reviewedBy", { name: review.signed_by, date: sayDate(review.created_at) })}</strong>
    <p>${nameOf(conditions, review.label)} · ${say(/** @type {any} */ (`agreement_${review.agreement}`))}
      ${review.histology && html` · ${say(/** @type {any} */ (`histology_${review.histology}`))}`}</p>
    ${review.note && html`<p class="note">${review.note}</p>`}
  <//>`;
