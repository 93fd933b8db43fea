// @ts-check
// Whether the server answers, what it is, and what it has been asked for since it started.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getText } from "/console/api.js";
import { Answer, Empty, Message, useAnswer } from "/console/components.js";
import { colon, say, sayNumber } from "/console/language.js";

/** A sample of the text format of Prometheus: what was counted, its labels, its value. */
const SAMPLE = /^skinapi_request(s_total|_seconds_sum)\{(.*)\} (\S+)$/gm;
const LABEL = /(\w+)="((?:\\.|[^"\\])*)"/g;
/** So many routes are shown at first. */
const SHORT = 12;

/** @typedef {{name: string, total: number, byStatus: Map<string, number>, seconds: number}} Route */

/** What was counted by route, the busiest first. @param {string} text @returns {Route[]} */
function readRoutes(text) {
  /** @type {Map<string, Route>} */
  const routes = new Map();
  for (const [, metric, labels, value] of text.matchAll(SAMPLE)) {
    const { method, route: path, status } = Object.fromEntries([...labels.matchAll(LABEL)].map(([, name, said]) => [name, said.replace(/\\(.)/g, "$1")]));
    const name = `${method} ${path}`;
    const route = routes.get(name) ?? { name, total: 0, byStatus: new Map(), seconds: 0 };
    routes.set(name, route);
    if (metric === "_seconds_sum") route.seconds += Number(value);
    else {
      route.total += Number(value);
      route.byStatus.set(status, (route.byStatus.get(status) ?? 0) + Number(value));
    }
  }
  return [...routes.values()].filter((route) => route.total > 0).sort((one, other) => other.total - one.total);
}

/** @param {{route: Route, most: number}} props */
const RouteBar = ({ route, most }) => {
  const statuses = [...route.byStatus].sort();
  return html`
    <li>
      <span class="bar-name"><code>${route.name}</code></span>
      <span class="bar-share">${sayNumber(route.total)}</span>
      <span class="bar" aria-hidden="true">
        ${statuses.map(([status, count]) => html`<span class="status-${status[0]}" style=${{ width: `${(100 * count) / most}%` }}></span>`)}
      </span>
      <small>${statuses.map(([status, count]) => `${status}${colon()}${sayNumber(count)}`).join(" · ")} ·${" "}
        ${say("onAverage", { ms: sayNumber((1000 * route.seconds) / route.total, 1) })}</small>
    </li>`;
};

/** @param {{routes: Route[]}} props */
const Usage = ({ routes }) => {
  const [all, setAll] = useState(false);
  if (routes.length === 0) return html`<${Empty} title=${say("noRequests")} />`;
  return html`
    <p class="legend" aria-hidden="true">
      ${["2", "3", "4", "5"].map((first) => html`<span><span class="dot status-${first}"></span>${say(/** @type {WordKey} */ (`statuses_${first}`))}</span>`)}
    </p>
    <ol class="bars stacked-bars" aria-label=${say("usage")}>
      ${(all ? routes : routes.slice(0, SHORT)).map((route) => html`<${RouteBar} key=${route.name} route=${route} most=${routes[0].total} />`)}
    </ol>
    ${!all && routes.length > SHORT && html`<button onClick=${() => setAll(true)}>${say("showMore")}</button>`}`;
};

export const View = () => {
  const health = useAnswer(() => get("/readyz"), []);
  const front = useAnswer(() => get("/"), []);
  const usage = useAnswer(async () => readRoutes(await getText("/metrics", "text/plain")), []);
  const reload = () => [health, front, usage].forEach((answer) => answer.reload());
  return html`
    <div class="row between"><h1>${say("title_server")}</h1><button onClick=${reload}>${say("reload")}</button></div>
    <section class="card">
      <h2>${say("health")}</h2>
      <${Answer} answer=${health}>${(/** @type {Api["Readiness"]} */ { notes }) => html`
        <${Message} kind="good">${say("healthy")}<//>
        ${notes.map((note) => html`<${Message} kind="warn"><span lang="en">${note}</span><//>`)}`}<//>
      <${Answer} answer=${front}>
        ${(/** @type {{version: string}} */ { version }) => html`<p>SkinAPI · ${say("version")} <strong>${version}</strong>
          ${" · "}<a href="#/model">${say("title_model")}</a></p>`}
      <//>
    </section>
    <section class="card">
      <h2>${say("usage")}</h2>
      <${Answer} answer=${usage}>${(/** @type {Route[]} */ routes) => html`<${Usage} routes=${routes} />`}<//>
    </section>`;
};
