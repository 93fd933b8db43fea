// @ts-check
// The jobs of the lab, the newest first; those that run tell how far they are.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getPage } from "/console/api.js";
import { Empty, Icon, Message, sayError } from "/console/components.js";
import { hasWords, isolated, say, sayAge, sayDuration, sayNumber, sayValue } from "/console/language.js";
import { StateBadge } from "/console/views/lab.js";
import { Polled, usePolling } from "/console/views/polling.js";

const PAGE = 30;
const UNFINISHED = new Set(["queued", "running"]);
/** What the training says of itself while it runs. */
const EPOCH = /^Epoch (\d+) of (\d+)$/;

/** @param {Api["JobSummary"]} job */
export const isUnfinished = (job) => UNFINISHED.has(job.status);

/** What a job is about. @param {Pick<Job, "kind" | "request">} job */
export const titleOf = ({ kind, request }) =>
  request.architecture ? say("trainingOf", { architecture: request.architecture, dataset: request.dataset_name }) : sayValue("job", kind);

/** What the job says of itself, in this language as far as there are words for it. @param {{message: string}} props */
export const Progress = ({ message }) => {
  const epoch = message.match(EPOCH);
  if (epoch) return html`<span>${say("epochOf", { n: epoch[1], all: epoch[2] })}</span>`;
  const key = `job_says_${message.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  return hasWords(key) ? html`<span>${say(/** @type {WordKey} */ (key))}</span>` : html`<span lang="en">${isolated(message)}</span>`;
};

/** @param {{job: Api["JobSummary"]}} props */
const JobRow = ({ job }) => html`
  <li class="whole">
    <span class="thumb"><${Icon} name="file" /></span>
    <div class="grow">
      <a class="cover" href="#/job/${job.id}">${titleOf(job)}</a>
      ${isUnfinished(job) && html`<progress max="100" value=${job.progress} aria-label=${titleOf(job)}></progress>`}
      <small>${sayAge(job.created_at)} · <code>${job.id}</code>
        ${job.status === "running" && html` · <${Progress} message=${job.message} />`}
        ${job.eta_seconds !== null && html` · ${say("aboutLeft", { time: sayDuration(job.eta_seconds) })}`}</small>
    </div>
    <${StateBadge} state=${job.status} words=${sayValue("job_is", job.status)} />
  </li>`;

/** Jobs behind the first page, as far as one asked for them. @param {{path: string}} props */
const Older = ({ path }) => {
  const [items, setItems] = useState(/** @type {any[]} */ ([]));
  const [next, setNext] = useState(/** @type {string | null} */ (path));
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const more = async () => {
    setError(null);
    try {
      const page = await getPage(next ?? path);
      setItems([...items, ...page.items]);
      setNext(page.next);
    } catch (problem) {
      setError(problem);
    }
  };
  return html`
    <ul class="list">${items.map((job) => html`<${JobRow} key=${job.id} job=${job} />`)}</ul>
    ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
    ${next && html`<button onClick=${more}>${say("showMore")}</button>`}`;
};

export const View = () => {
  const polled = usePolling(() => getPage(`/jobs?limit=${PAGE}`), [], ({ items }) => items.some(isUnfinished));
  return html`
    <div class="row between"><h1>${say("title_jobs")}</h1><a class="button primary" href="#/train">${say("title_train")}</a></div>
    <${Polled} polled=${polled}>
      ${(/** @type {{items: any[], next: string | null}} */ { items, next }) =>
        items.length === 0
          ? html`<${Empty} title=${say("jobsEmpty")}><p>${say("jobsEmptyText")}</p><//>`
          : html`<ul class="list">${items.map((job) => html`<${JobRow} key=${job.id} job=${job} />`)}</ul>
              ${next && html`<${Older} key=${next} path=${next} />`}`}
    <//>`;
};
