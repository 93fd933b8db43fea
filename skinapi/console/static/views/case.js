// @ts-check
// One finding of a patient, for the doctor in charge: what the model found, and the doctor's review.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, newKey, post } from "/console/api.js";
import { Answer, Failure, Message, Pages, sayError, toast, useAnswer, useKeys, usePages } from "/console/components.js";
import { colon, isolated, said, say, sayDate, sayValue } from "/console/language.js";
import { scrollToTop } from "/console/navigation.js";
import { Downloads, FindingPage, getReport, nameOf, Reviewed, useFinding } from "/console/views/finding.js";
import { findNext, FindingRow } from "/console/views/queue.js";

const AGREEMENTS = /** @type {const} */ ([
  ["agree", "a"],
  ["disagree", "d"],
  ["unsure", "u"],
]);
const HISTOLOGIES = ["not_taken", "awaited", "confirmed"];
const LONGEST_NOTE = 1000;

/** @param {string} selector */
function focusOn(selector) {
  const field = /** @type {HTMLElement | null} */ (document.querySelector(`.case ${selector}`));
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}

/** What the patient told with the photo. @param {{submission: any, checklist: any}} props */
const Context = ({ submission, checklist }) => {
  const { modality, body_site, age_band, sex, fitzpatrick, checklist: ticked } = submission.context;
  const rows = [
    [say("kind"), modality === "unknown" ? "" : sayValue("kind", modality)],
    [say("bodySite"), body_site && sayValue("site", body_site)],
    [say("age"), age_band && sayValue("age", age_band)],
    [say("sex"), sex && sayValue("sex", sex)],
    [say("skinType"), fitzpatrick],
  ].filter(([, told]) => told);
  const items = checklist.items.filter((/** @type {any} */ item) => ticked?.includes(item.key));
  return html`
    <section class="card">
      <h2>${say("context")}</h2>
      ${rows.length === 0 && !ticked && html`<p>${say("nothingTold")}</p>`}
      ${rows.length > 0 && html`<dl class="pairs">${rows.map(([name, told]) => html`<dt>${name}</dt><dd>${told}</dd>`)}</dl>`}
      ${ticked &&
      html`<h3>${say("checklistScore", { score: submission.checklist_score })}</h3>
        ${items.length === 0 ? html`<p>${say("noneOfThese")}</p>` : html`<ul>${items.map((/** @type {any} */ item) => html`<li>${said(item.doctor)}</li>`)}</ul>`}`}
    </section>`;
};

/** @param {{stated: string, conditions: any, agreement: string, label: string, onLabel: (label: string) => void}} props */
const Label = ({ stated, conditions, agreement, label, onLabel }) => {
  const offered = conditions.conditions.filter((/** @type {any} */ one) => agreement === "unsure" || one.key !== stated);
  return html`
    <div class="field">
      <label for="review-label">${say("label")}</label>
      <select id="review-label" name="label" required value=${label}
        onChange=${(/** @type {any} */ event) => onLabel(event.target.value)}>
        <option value="">${say("choose")}</option>
        ${offered.map((/** @type {any} */ one) => html`<option value=${one.key}>${said(one.names)}</option>`)}
      </select>
    </div>`;
};

/** @param {{number: string, stated: string, conditions: any, onSigned: () => void}} props */
const ReviewForm = ({ number, stated, conditions, onSigned }) => {
  const [agreement, setAgreement] = useState("");
  const [label, setLabel] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  // Sent again, the same review keeps its key, and is signed once; a changed one is another review.
  const sent = useRef({ text: "", key: "" });
  /** @param {string} next */
  const choose = (next) => {
    setAgreement(next);
    setLabel(next === "disagree" ? "" : stated);
  };
  /** @param {string} next @param {string} field */
  const chooseAt = (next, field) => () => {
    choose(next);
    setTimeout(() => focusOn(field)); // the field is there once this has been drawn
  };
  useKeys({
    a: chooseAt("agree", "[value=agree]"),
    d: chooseAt("disagree", "[value=disagree]"),
    u: chooseAt("unsure", "[value=unsure]"),
    n: () => focusOn("[name=note]"),
  });
  /** @param {SubmitEvent} event */
  const sign = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const values = new FormData(form);
    const note = String(values.get("note")).trim();
    const review = { agreement, label, histology: values.get("histology") || null, note: note || null };
    const text = JSON.stringify(review);
    if (text !== sent.current.text) sent.current = { text, key: newKey() };
    setBusy(true);
    setError(null);
    try {
      await post(apiPath`/submissions/${number}/review`, review, sent.current.key);
      toast(say("signed"));
      if (form.isConnected) onSigned(); // else the doctor works at another finding by now
    } catch (problem) {
      setError(problem);
      setBusy(false);
      if (!form.isConnected) toast(say("notSigned", { number, reason: sayError(problem) }));
    }
  };
  return html`
    <form class="card" id="review" onSubmit=${sign} aria-label=${say("review")}>
      <h2>${say("review")}</h2>
      <p class="keys"><small>${say("caseKeys")}</small></p>
      <div class="chips" role="radiogroup" aria-label=${say("agreement")}>
        ${AGREEMENTS.map(
          ([value, key]) => html`<label class="chip"><input type="radio" name="agreement" value=${value} required
            checked=${agreement === value} onChange=${() => choose(value)} />${say(value)}<kbd aria-hidden="true">${key}</kbd></label>`,
        )}
      </div>
      <p class="agreed" aria-live="polite">${agreement === "agree" && html`${say("label")}${colon()}<strong>${nameOf(conditions, stated)}</strong>`}</p>
      ${["disagree", "unsure"].includes(agreement) &&
      html`<${Label} stated=${stated} conditions=${conditions} agreement=${agreement} label=${label} onLabel=${setLabel} />`}
      <div class="field">
        <label for="review-histology">${say("histology")}</label>
        <select id="review-histology" name="histology">
          <option value="">${say("notSaid")}</option>
          ${HISTOLOGIES.map((one) => html`<option value=${one}>${sayValue("histology", one)}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="review-note">${say("note")}</label>
        <textarea id="review-note" name="note" rows="3" maxlength=${LONGEST_NOTE}></textarea>
      </div>
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
      <button class="primary wide" disabled=${busy}>${say(busy ? "sending" : "sign")}</button>
    </form>`;
};

/** @param {{patient: string, number: string, conditions: any}} props */
const OtherFindings = ({ patient, number, conditions }) => {
  const pages = usePages(apiPath`/patients/${patient}/submissions?limit=10`);
  const none = html`<p>${say("noOthers")}</p>`;
  return html`
    <${Pages} pages=${pages} empty=${none}>
      ${(/** @type {any[]} */ items) => {
        const others = items.filter((one) => String(one.id) !== number);
        return others.length === 0
          ? none
          : html`<ul class="list">${others.map((found) => html`<${FindingRow} key=${found.id} found=${found} conditions=${conditions} named=${false} />`)}</ul>`;
      }}
    <//>`;
};

/** @param {{number: string, finding: any}} props */
const Case = ({ number, finding }) => {
  const { submission, conditions, photo } = finding;
  const reviews = useAnswer(() => get(apiPath`/submissions/${number}/reviews`), [number]);
  const following = useAnswer(() => findNext(Number(number)), [number]);
  const [signed, setSigned] = useState(0);
  // A review may change what is said of the finding. The photo is not read again: that is audited.
  const renewed = useAnswer(async () => (signed ? getReport(number) : finding.report), [finding, signed]);
  const report = renewed.value ?? finding.report;
  const goOn = () => {
    if (following.loading) return;
    if (following.value) location.hash = `#/case/${following.value}`;
    else {
      toast(say("queueEmpty"));
      location.hash = "#/queue";
    }
  };
  useKeys({ j: goOn });
  const done = () => {
    setSigned(signed + 1);
    reviews.reload();
    focusOn(".next-case");
  };
  const title = `${isolated(submission.user_name)} · ${say("findingOf", { number, date: sayDate(report.time) })}`;
  return html`
    <div class="case">
      <${FindingPage} title=${title} report=${report} heat=${submission.heat} photo=${photo} conditions=${conditions} doctor>
        <div class="row">
          <button class="to-review" onClick=${() => focusOn("[name=agreement]")}>${say("review")}</button>
          <button class=${signed ? "next-case primary" : "next-case"} onClick=${goOn}>${say("nextCase")}<kbd aria-hidden="true">j</kbd></button>
          <${Downloads} number=${number} />
        </div>
      <//>
      <aside>
        ${renewed.error && html`<${Failure} error=${renewed.error} retry=${renewed.reload} />`}
        <${Answer} answer=${reviews}>
          ${(/** @type {any[]} */ list) => list.map((review) => html`<${Reviewed} key=${review._id} review=${review} conditions=${conditions} />`)}
        <//>
        <div><${ReviewForm} key=${signed} number=${number} stated=${report.facts.stated} conditions=${conditions} onSigned=${done} /></div>
        <${Context} submission=${submission} checklist=${conditions.checklist} />
        ${submission.patient_id &&
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
      ${(/** @type {any} */ finding) => html`<${Case} number=${argument} finding=${finding} />`}
    <//>`;
};
