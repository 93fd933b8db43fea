// @ts-check
// The jobs of the lab, the newest first; those that run tell how far they are.

import { html, useEffect } from "/console/vendor/htm-preact-3.1.1.js";
import { Empty } from "/console/components.js";
import { hasWords, isolated, say, sayAge, sayDuration, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { StateBadge } from "/console/views/lab.js";

const PAGE = 30;
const EVERY_MS = 2000;
const UNFINISHED = new Set(["queued", "running"]);
/** What the training says of itself while it runs. */
const EPOCH = /^Epoch (\d+) of (\d+)$/;

/** @param {Pick<Job, "status">} job */
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

/** How long a job took that has ended. @param {Job} job */
export const sayTime = ({ started_at: begun, completed_at: ended }) =>
  begun && ended ? say("tookTime", { time: sayDuration((Date.parse(ended) - Date.parse(begun)) / 1000) }) : "";

/** @param {{job: Job}} props */
const JobRow = ({ job }) => html`
  <li class="whole dense">
    <div class="grow">
      <a class="cover" href="#/job/${job.id}">${titleOf(job)}</a>
      ${isUnfinished(job) && html`<progress max="100" value=${job.progress} aria-label=${titleOf(job)}></progress>`}
      <small>${job.status === "running" && html`<${Progress} message=${job.message} /> · `}
        ${[sayTime(job), sayAge(job.created_at)].filter(Boolean).join(" · ")} · <code>${job.id}</code></small>
    </div>
    <${StateBadge} state=${job.status} words=${sayValue("job_is", job.status)} />
  </li>`;

export const View = () => {
  /** @type {PagesOf<Job>} */
  const pages = usePages(`/jobs?limit=${PAGE}`);
  const runs = pages.items?.some(isUnfinished);
  useEffect(() => {
    if (!runs) return undefined;
    const timer = setInterval(() => pages.refresh().catch(() => {}), EVERY_MS);
    return () => clearInterval(timer);
  }, [runs]);
  return html`
    <div class="row between"><h1>${say("title_jobs")}</h1><a class="button primary" href="#/train">${say("title_train")}</a></div>
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("jobsEmpty")}><p>${say("jobsEmptyText")}</p><//>`}>
      ${(/** @type {Job[]} */ jobs) => html`<ul class="list">${jobs.map((job) => html`<${JobRow} key=${job.id} job=${job} />`)}</ul>`}
    <//>`;
};
