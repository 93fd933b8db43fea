// @ts-check
// What a doctor and the model had said, against the laboratory's results.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get } from "/console/api.js";
import { Answer, useAnswer } from "/console/components.js";
import { say, sayNumber, sayPercent } from "/console/language.js";

const SHARES = ["named_sensitivity", "named_specificity", "sent_sensitivity", "sent_specificity"];

/** @param {{figure: any, show: (value: number) => string}} props */
const Figure = ({ figure: { value, low, high, n }, show }) =>
  value === null
    ? say("outcomeTooFew")
    : html`<strong>${show(value)}</strong> <small>${show(low)} – ${show(high)}, ${say("outcomeOf", { n: sayNumber(n) })}</small>`;

/** @param {{figures: any}} props */
const Figures = ({ figures }) => html`
  <dl class="pairs">
    <dt>${say("outcomeResults")}</dt>
    <dd>${sayNumber(figures.results)} <small>${say("outcomeMalignant", { n: sayNumber(figures.malignant) })}</small></dd>
    ${SHARES.map(
      (name) => html`<dt>${say(/** @type {any} */ (`outcome_${name}`))}</dt><dd><${Figure} figure=${figures[name]} show=${sayPercent} /></dd>`,
    )}
    <dt>${say("outcome_kappa")}</dt>
    <dd><${Figure} figure=${figures.kappa} show=${(/** @type {number} */ kappa) => sayNumber(Math.round(100 * kappa) / 100)} /></dd>
  </dl>`;

/** @param {{title: string, course: any}} props */
const Course = ({ title, course }) => html`
  <section class="card">
    <h2>${title}</h2>
    ${course.results === 0 && html`<p>${say("outcomesEmpty")}</p>`}
    ${course.results > 0 && html`<${Figures} figures=${course} />`}
    ${course.months.length > 1 &&
    html`<details><summary>${say("outcomesByMonth")}</summary>
      ${course.months.map((/** @type {any} */ one) => html`<h3>${one.month}</h3><${Figures} figures=${one} />`)}</details>`}
  </section>`;

/** Those of a doctor, for an admin; else one's own. @param {{doctor?: string}} props */
export const Outcomes = ({ doctor = "" }) => {
  const path = doctor ? apiPath`/admin/outcomes?months=24&doctor=${doctor}` : "/outcomes?months=24";
  const answer = useAnswer(() => get(path), [path]);
  return html`
    <p>${say("outcomesText")}</p>
    <${Answer} answer=${answer}>
      ${(/** @type {any} */ outcomes) => html`
        <${Course} title=${say(doctor ? "outcomesOfDoctor" : "outcomesOwn")} course=${outcomes.doctor} />
        ${Object.entries(outcomes.models).map(
          ([version, course]) => html`<${Course} key=${version} title=${say("outcomesOfModel", { version })} course=${course} />`,
        )}`}
    <//>`;
};

export const View = () => html`<h1>${say("title_outcomes")}</h1><${Outcomes} />`;
