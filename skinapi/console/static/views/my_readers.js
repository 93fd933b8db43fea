// @ts-check
// Who else has looked at one's photos and findings; of an emergency also why.

import { html, useEffect } from "/console/vendor/htm-preact-3.1.1.js";
import { put } from "/console/api.js";
import { Message } from "/console/components.js";
import { colon, isolated, say, sayDate, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";

/** @param {Api["ReadingView"]} one */
function sayWho({ name, role, program }) {
  const who = name ? isolated(name) : say("readerGone");
  const as = role && sayValue("role", role);
  return [as ? say("readerAs", { who, role: as }) : who, program && program !== name && say("readerProgram", { name: isolated(program) })].filter(Boolean).join(" · ");
}

/** @param {{one: Api["ReadingView"]}} props */
const Reading = ({ one }) => html`
  <li>${sayWho(one)}${one.break_glass && html`${" "}<span class="mark">${say(one.refused ? "glassRefused" : "glassMark")}</span>`}<br />
    <small>${sayValue("read", one.what)}${one.finding && html` · <a href="#/finding/${one.finding}">${say("glassNumber", { number: one.finding })}</a>`} · <time datetime=${one.at}>${sayDate(one.at)}</time></small></li>`;

/** @param {{one: Api["BreakGlassOfPatient"]}} props */
const Emergency = ({ one }) => html`
  <${Message}>
    <p><strong>${say(one.own ? "glassOwn" : "glassOfPatient", { who: isolated(one.admin_name ?? say("glassGone")), date: sayDate(one.created_at) })}</strong>
      ${one.number && html` <a href=${`#/${one.own ? "finding" : "case"}/${one.number}`}>${say("glassNumber", { number: one.number })}</a>`}</p>
    <p>${one.reason === null ? say("glassReasonLater") : html`${say("glassReason")}${colon()}<span class="note">${isolated(one.reason)}</span>`}</p>
  <//>`;

export const MyReaders = () => {
  const readings = usePages("/me/readers?limit=20");
  const emergencies = usePages("/me/break-glass?limit=5");
  const shown = emergencies.items?.length ?? 0;
  useEffect(() => {
    if (shown > 0) put("/me/break-glass/told", {}).catch(() => {});
  }, [shown]);
  return html`
    <section class="card">
      <h2>${say("myReaders")}</h2>
      <p>${say("myReadersText")}</p>
      <${Pages} pages=${emergencies} empty="">
        ${(/** @type {Api["BreakGlassOfPatient"][]} */ items) => items.map((one) => html`<${Emergency} key=${one._id} one=${one} />`)}
      <//>
      <${Pages} pages=${readings} empty=${html`<p>${say("noReaders")}</p>`}>
        ${(/** @type {Api["ReadingView"][]} */ items) => html`<ul class="plain">${items.map((one) => html`<${Reading} key=${one._id} one=${one} />`)}</ul>`}
      <//>
    </section>`;
};
