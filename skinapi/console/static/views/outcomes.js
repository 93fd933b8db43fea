// @ts-check
// What a doctor and the model had said, against the laboratory's results.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getSession } from "/console/api.js";
import { Load } from "/console/components.js";
import { say, sayNumber, sayValue } from "/console/language.js";
import { OperatingCurves, Share } from "/console/views/operating_curve.js";

const SHARES = /** @type {const} */ (["named_sensitivity", "named_specificity", "sent_sensitivity", "sent_specificity"]);

/** @param {{figures: Api["OutcomeCourse"] | Api["MonthOfOutcomes"]}} props */
const Figures = ({ figures }) => html`
  <dl class="pairs">
    <dt>${say("outcomeResults")}</dt>
    <dd>${sayNumber(figures.results)} <small>${say("outcomeMalignant", { n: sayNumber(figures.malignant) })}</small></dd>
    ${SHARES.map((name) => html`<dt>${sayValue("outcome", name)}</dt><dd><${Share} figure=${figures[name]} /></dd>`)}
    <dt>${say("outcome_kappa")}</dt>
    <dd><${Share} figure=${figures.kappa} show=${(/** @type {number} */ kappa) => sayNumber(kappa, 1)} /></dd>
  </dl>`;

/** @param {{title: string, course: Api["OutcomeCourse"]}} props */
const Course = ({ title, course }) => html`
  <section class="card">
    <h2>${title}</h2>
    ${course.results === 0 && html`<p>${say("outcomesEmpty")}</p>`}
    ${course.results > 0 && html`<${Figures} figures=${course} />`}
    ${course.months.length > 1 && html`<details><summary>${say("outcomesByMonth")}</summary>
      ${course.months.map((one) => html`<h3>${one.month}</h3><${Figures} figures=${one} />`)}</details>`}
  </section>`;

/** @param {{models: Api["OutcomesView"]["models"]}} props */
const Models = ({ models }) =>
  Object.entries(models).map(([version, course]) => html`<${Course} key=${version} title=${say("outcomesOfModel", { version })} course=${course} />`);

/** Those of a doctor, for an admin. @param {{doctor: string}} props */
export const OutcomesOf = ({ doctor: email }) => html`
  <p>${say("outcomesText")}</p>
  <${Load} ask=${() => get(apiPath`/admin/outcomes?months=24&doctor=${email}`)} inputs=${[email]}>
    ${(/** @type {Api["OutcomesView"]} */ { doctor, models }) => html`
      <${Course} title=${say("outcomesOfDoctor")} course=${doctor} />
      <${Models} models=${models} />`}
  <//>
  <a class="button quiet" href="#/outcomes">${say("curveTitle")}</a>`;

/** A doctor's own and the models'; an admin sees the models' alone. */
export const View = () => {
  const admin = getSession()?.role === "admin";
  return html`
    <h1>${say("title_outcomes")}</h1>
    <p>${say("outcomesText")}</p>
    <${Load} ask=${() => get(`${admin ? "/admin" : ""}/outcomes?months=24`)}>
      ${(/** @type {Api["OutcomesView"]} */ { doctor, models }) => html`
        ${!admin && html`<${Course} title=${say("outcomesOwn")} course=${doctor} />`}
        <${OperatingCurves} models=${models} />
        <${Models} models=${models} />`}
    <//>`;
};
