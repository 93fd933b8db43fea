// The clinic as its page names it, whom to call, and what a patient reads where something stored is damaged.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getSession } from "/console/api.js";
import { Message, useAnswer } from "/console/components.js";
import { isolated, say } from "/console/language.js";

/** Who is responsible for what is stored, how to call them, and where that says what it does, if the server knows.
 * @type {{name: string | null, phone: string | null, notice: string | null}} */
export const RESPONSIBLE = JSON.parse(document.querySelector("meta[name=responsible]")?.getAttribute("content") ?? '{"name": null, "phone": null, "notice": null}');

/** Whom one calls, as a link that a phone dials. @param {{name?: string | null, phone: string}} props */
export const CallLink = ({ name, phone }) => {
  const number = phone.replaceAll(" ", "\u00a0"); // in one line
  return html`<a class="button call" href=${`tel:${phone.replace(/[^+\d]/g, "")}`}>${name ? say("callName", { name: isolated(name), phone: number }) : say("callPhone", { phone: number })}</a>`;
};

/** The number to call; without one, whom to see, unless that stands below. @param {{practice?: Api["PracticeView"], said?: boolean}} props */
export const Call = ({ practice, said = false }) => {
  if (!practice) return null;
  const { name, doctor, phone, sentence } = practice;
  return phone ? html`<p><${CallLink} name=${name ?? doctor} phone=${phone} /></p>` : !said && html`<p>${say("whomToSee", { whom: sentence })}</p>`;
};

/** The clinic's number on pages where nobody is in charge. */
export const CallClinic = () => RESPONSIBLE.phone && html`<p><${CallLink} name=${RESPONSIBLE.name} phone=${RESPONSIBLE.phone} /></p>`;

/** What the visit is like to which a finding sends. @param {{rows?: Api["VisitRow"][]}} props */
export const YourVisit = ({ rows = [] }) => rows.length > 0 && html`
  <section class="card your-visit"><h2>${say("yourVisit")}</h2>
    <dl>${rows.map(({ label, sentences }) => html`<dt>${label}</dt><dd>${sentences.join(" ")}</dd>`)}</dl></section>`;

/** What was told before still counts. @param {{what: unknown}} props */
export const AdviceStays = ({ what }) => {
  const patient = getSession()?.role === "user";
  const doctor = useAnswer(() => (patient ? get("/me").catch(() => null) : Promise.resolve(null)), [patient]).value?.doctor_name;
  return html`<${Message} kind="bad"><p>${what}</p>
    ${getSession()?.role === "doctor" && html`<p><strong>${say("adviceStaysForPatient")}</strong> ${say("tellAdministrator")}</p>`}
    ${patient && html`<p><strong>${say("adviceStays")}</strong> ${doctor ? say("askDoctorAbout", { name: isolated(doctor) }) : say("askPracticeAbout")}</p><${CallClinic} />`}<//>`;
};
