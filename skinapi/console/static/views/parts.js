// @ts-check
// /console/parts: every part that the views are built of, in both themes. For whoever changes the look;
// a test photographs it.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getConditions } from "/console/api.js";
import { AskFirst, BandBadge, Empty, Failure, Field, Form, Icon, Load, Loading, Message, Tabs, toast } from "/console/components.js";
import { say, sayDate, sayPercent } from "/console/language.js";
import { Bars, labelOfBand, nameOf } from "/console/views/finding.js";

/** What people are called: 80 characters, from right to left, with pictures. */
const NAMES = [
  "Maria-Magdalena Konstantinopoulou-Wolfeschlegelsteinhausenbergerdorff y Villanue",
  "دكتورة ليلى عبد الرحمن",
  "👩🏽‍⚕️ Ada 🌻",
];
const SHARES = [0.86, 0.12, 0.02];
const DAY = "2026-03-03T09:30:00Z";

/** The colours of a theme, as the style sheet has them, on this element alone. @param {"light" | "dark"} theme */
const themed = (theme) => (/** @type {HTMLElement | null} */ element) => {
  if (!element) return;
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const root = (/** @type {CSSRule[]} */ all) => all.find((rule) => rule instanceof CSSStyleRule && rule.selectorText === ":root");
  const dark = rules.find((rule) => rule instanceof CSSMediaRule && rule.conditionText.includes("prefers-color-scheme: dark"));
  const colours = /** @type {CSSStyleRule} */ (root([.../** @type {CSSMediaRule} */ (dark).cssRules])).style;
  const from = theme === "dark" ? colours : /** @type {CSSStyleRule} */ (root(rules)).style;
  for (const name of colours) element.style.setProperty(name, from.getPropertyValue(name));
  element.style.colorScheme = theme;
};

/** @param {{name: string, children?: unknown}} props */
const Part = ({ name, children }) => html`<section><h3><code>${name}</code></h3>${children}</section>`;

/** @param {{theme: string}} props */
const Asked = ({ theme }) => html`
  <div class="row">
    <${AskFirst} words=${say("delete")} title=${`${say("delete")} (${theme})`} onConfirm=${() => {}} />
    <button onClick=${() => toast(say("saved"), () => {})}>${say("save")}</button>
  </div>`;

const Texts = () => html`
  <${Part} name="h1 … small">
    <h1>${say("title_spots")}</h1><h2>${say("title_queue")}</h2><h3>${say("title_account")}</h3>
    <p class="lead">${say("startTitle")}</p>
    <p>${say("sampleText")} <a href="#/">${say("toFirstPage")}</a> <small>${sayDate(DAY)}</small></p>
  <//>
  <${Part} name="button">
    <div class="row">
      <button class="primary">${say("save")}</button><button>${say("tryAgain")}</button><button class="quiet">${say("cancel")}</button>
    </div>
    <div class="row">
      <button class="danger">${say("delete")}</button><button class="quiet danger">${say("delete")}</button>
      <button disabled>${say("sending")}</button><button><${Icon} name="camera" />${say("newPhoto")}<kbd>n</kbd></button>
    </div>
  <//>`;

/** @param {{conditions: Api["ConditionsView"]}} props */
const Findings = ({ conditions }) => {
  const bands = conditions.bands.map(({ key }) => ({ key, label: labelOfBand(conditions, key) }));
  return html`
    <${Part} name="BandBadge"><div class="row">${bands.map(({ key, label }) => html`<${BandBadge} band=${key} label=${label} />`)}</div><//>
    <${Part} name=".verdict">
      <div class="finding">${bands.slice(0, 1).map(({ key, label }) => html`
        <header class="verdict band-${key}"><h2><${Icon} name=${key} size=${32} />${label}</h2><p>${say("sampleText")}</p></header>`)}</div>
    <//>
    <${Part} name="Bars">
      <${Bars} label=${say("probabilities")} rows=${SHARES.map((share, at) => ({ name: nameOf(conditions, conditions.conditions[at].key), share, malignant: conditions.conditions[at].malignant, marked: at === 0 }))} />
    <//>
    <${Part} name=".list">
      <ul class="list">${NAMES.map((name, at) => html`
        <li class=${at ? "" : "current"}>
          <span class="thumb"><${Icon} name="person" /></span>
          <span class="grow"><bdi>${name}</bdi><small>${sayDate(DAY)}</small></span>
          <${BandBadge} band=${bands[at].key} label=${bands[at].label} />
          <button class="quiet">${say("showMore")}</button>
        </li>`)}
      </ul>
    <//>
    <${Part} name=".scroll > table">
      <div class="scroll"><table>
        <thead><tr><th>${say("name")}</th><th>${say("probabilities")}</th><th>${say("day")}</th></tr></thead>
        <tbody>${NAMES.map((name, at) => html`<tr><td><bdi>${name}</bdi></td><td>${sayPercent(SHARES[at])}</td><td><time>${sayDate(DAY, false)}</time></td></tr>`)}</tbody>
      </table></div>
    <//>`;
};

/** @param {{theme: "light" | "dark"}} props */
const Inputs = ({ theme }) => {
  const [chosen, setChosen] = useState("a");
  return html`
    <${Part} name="Tabs">
      <${Tabs} label=${`${say("more")} (${theme})`} chosen=${chosen} tabs=${[["a", say("toReview")], ["b", say("all")]]} onChoose=${setChosen} />
    <//>
    <${Part} name=".chip, .tick">
      <div class="chips">${["yes", "no"].map((one) => html`
        <label class="chip"><input type="radio" name="chip-${theme}" defaultChecked=${one === "yes"} />${say(/** @type {WordKey} */ (one))}</label>`)}</div>
      <label class="tick"><input type="checkbox" defaultChecked />${say("startTitle")}</label>
    <//>
    <${Part} name="Form, Field">
      <div class="card">
        <${Form} label=${say("save")} onSend=${async () => {}}>
          <${Field} label=${say("name")} name="name-${theme}" hint=${say("passwordHint")} value=${NAMES[0]} />
          <${Field} label=${say("password")} name="password-${theme}" type="password" error=${say("passwordsDiffer")} />
        <//>
      </div>
    <//>`;
};

/** @param {{theme: string}} props */
const Answers = ({ theme }) => html`
  <${Part} name="Message, Failure">
    <div class="message">${say("sampleText")}</div>
    <div class="message good">${say("saved")}</div>
    <${Failure} error=${{ status: 0 }} retry=${() => {}} />
  <//>
  <${Part} name="Empty, Loading">
    <${Empty} title=${say("queueEmpty")}><p>${say("queueEmptyText")}</p><//>
    <${Loading} />
    <progress value="40" max="100" aria-label=${say("loading")}></progress>
  <//>
  <${Part} name=".pairs, details">
    <dl class="pairs"><dt>${say("role")}</dt><dd>${say("role_doctor")}</dd><dt>${say("day")}</dt><dd>${sayDate(DAY, false)}</dd></dl>
    <details class="card"><summary>${say("more")}</summary><p>${say("sampleText")}</p></details>
  <//>
  <${Part} name="Confirm, toast"><${Asked} theme=${theme} /><//>
  <${Part} name=".actions"><div class="actions"><button class="primary">${say("save")}</button><button class="quiet">${say("cancel")}</button></div><//>`;

export const View = () => html`
  <h1>${say("title_parts")}</h1>
  <${Load} ask=${getConditions}>
    ${(/** @type {Api["ConditionsView"]} */ table) => html`
      <div class="columns">${/** @type {const} */ (["light", "dark"]).map((theme) => html`
        <div class="parts" ref=${themed(theme)}>
          <h2>${say(`theme_${theme}`)}</h2>
          <${Texts} /><${Findings} conditions=${table} /><${Inputs} theme=${theme} /><${Answers} theme=${theme} />
        </div>`)}
      </div>`}
  <//>`;
