// The jobs of the lab; of each how far it is, its curves, its log, and the model that came out.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post } from "/console/api.js";
import { AskFirst, Change, Empty, Message, sayError, useAct } from "/console/components.js";
import { colon, getLanguage, hasWords, isolated, say, sayAge, sayDate, sayDuration, sayNumber, sayPercent, sayValue } from "/console/language.js";
import { isPassing, Pages, Polled, usePages, usePolling } from "/console/lists.js";
import { StateBadge } from "/console/views/figures.js";

const STEP = 10;
const HIGH = 100;
const ROUND = [1, 2, 3, 4, 5, 6, 8];

/** @typedef {{name: string, title: string, values: (number | null)[]}} Line */

/** The end of a scale: a round number not below `most`. @param {number} most */
function endOfScale(most) {
  const unit = 10 ** Math.floor(Math.log10(most || 1));
  return unit * (ROUND.find((one) => one * unit >= most) ?? 10);
}

/** @param {number} width */
const gridOf = (width) => [0, HIGH / 2, HIGH].map((at) => html`<line class="grid" x1="0" x2=${width} y1=${at} y2=${at} />`);

/** @param {{title: string, words: string, end: string, width: number, from: string, to: string, drawn: unknown, children?: unknown}} props
 * `end` is what the top of the scale is, `from` and `to` are the ends of the axis below */
const Chart = ({ title, words, end, width, from, to, drawn, children }) => html`
  <figure class="card chart">
    <figcaption><h2>${title}</h2><p>${words}</p>${children}</figcaption>
    <div class="plot">
      <small aria-hidden="true">${end}</small>
      <svg role="img" aria-label=${`${title}${colon()}${words}`} viewBox="0 0 ${width} ${HIGH}" preserveAspectRatio="none">
        ${gridOf(width)}${drawn}
      </svg>
    </div>
    <div class="axis" aria-hidden="true"><small>${from}</small><small>${to}</small></div>
  </figure>`;

/** A line for each run of known values: what is not known is a gap. @param {(number | null)[]} values @param {number} end */
function runsOf(values, end) {
  const at = (/** @type {number} */ value) => HIGH - (HIGH * Math.min(value, end)) / end;
  /** @type {string[][]} */
  const runs = [[]];
  values.forEach((value, index) => {
    if (value === null) runs.push([]);
    else runs[runs.length - 1].push(`${STEP * index},${at(value)}`);
  });
  // One value alone is as wide as a quarter of a step.
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const [x, y] = run[0].split(",").map(Number);
      return run.length > 1 ? run.join(" ") : `${x - STEP / 8},${y} ${x + STEP / 8},${y}`;
    });
}

/** Lines over time; the second is dashed. @param {{title: string, words: string, lines: Line[], from: string, to: string,
 *   end?: number, sayValue?: (value: number) => string}} props `end` is the end of the scale */
export const Lines = ({ title, words, lines, from, to, end, sayValue = sayNumber }) => {
  const known = lines.flatMap(({ values }) => values).filter((value) => value !== null);
  const top = end ?? endOfScale(Math.max(0, ...known));
  const width = STEP * Math.max(1, Math.max(...lines.map(({ values }) => values.length)) - 1);
  const drawn = lines.map(({ name, values }) =>
    runsOf(values, top).map((points) => html`<polyline class="line line-${name}" points=${points} />`),
  );
  return html`<${Chart} title=${title} words=${words} end=${sayValue(top)} width=${width} from=${from} to=${to} drawn=${drawn}>
    ${lines.length > 1 && html`<p class="legend">${lines.map((line) => html`<span><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><line class="line line-${line.name}" x1="0" x2="24" y1="4" y2="4" /></svg>${line.title}</span>`)}</p>`}
  <//>`;
};

const PAGE = 30;
const EVERY_MS = 2000;
const UNFINISHED = new Set(["queued", "running"]);
/** What is done, and how many of how many steps. */
const STEPS = /^(.+): (\d+) of (\d+)$/;

const isUnfinished = (/** @type {Pick<Job, "status">} */ job) => UNFINISHED.has(job.status);

/** What a job is about. @param {Pick<Job, "kind" | "request">} job */
export const titleOf = ({ kind, request }) =>
  request.architecture ? say("trainingOf", { architecture: request.architecture, dataset: request.dataset_name }) : sayValue("job", kind);

/** What the job says of itself, in this language as far as there are words for it. @param {{message: string}} props */
export const Progress = ({ message }) => {
  const [, what = message, n, all] = message.match(STEPS) ?? [];
  const key = `job_says_${what.toLowerCase().replace(/[^a-z]+/g, "_")}`;
  if (!hasWords(key)) return html`<span lang="en">${isolated(message)}</span>`;
  return html`<span>${say(/** @type {WordKey} */ (key))}${n && `${colon()}${say("jobStep", { n, all })}`}</span>`;
};

/** How long a job took that has ended. @param {Job} job */
const sayTime = ({ started_at: begun, completed_at: ended }) =>
  begun && ended ? say("tookTime", { time: sayDuration((Date.parse(ended) - Date.parse(begun)) / 1000) }) : "";

const JobRow = (/** @type {{job: Job}} */ { job }) => html`
  <li class="whole dense">
    <div class="grow">
      <a class="cover" href="#/job/${job.id}">${titleOf(job)}</a>
      ${isUnfinished(job) && html`<progress max="100" value=${job.progress} aria-label=${titleOf(job)}></progress>`}
      <small>${job.status === "running" && html`<${Progress} message=${job.message} /> · `}
        ${[sayTime(job), sayAge(job.created_at)].filter(Boolean).join(" · ")} · <code>${job.id}</code></small>
    </div>
    <${StateBadge} state=${job.status} words=${sayValue("job_is", job.status)} />
  </li>`;

const Jobs = () => {
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
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("jobsEmpty")} />`}>
      ${(/** @type {Job[]} */ jobs) => html`<ul class="list">${jobs.map((job) => html`<${JobRow} key=${job.id} job=${job} />`)}</ul>`}
    <//>`;
};

/** A worker takes a job within seconds, unless another job is before it. */
const LONG_WAIT_MS = 180_000;

/** @param {number | null | undefined} value */
const sayLoss = (value) => (typeof value === "number" ? sayNumber(value, 3) : "–");
/** @param {number | null | undefined} value */
const sayShare = (value) => (typeof value === "number" ? sayPercent(value) : "–");

/** @param {Epoch[]} epochs @param {keyof Epoch} name */
const valuesOf = (epochs, name) => epochs.map((row) => row[name] ?? null);

const Curves = (/** @type {{epochs: Epoch[]}} */ { epochs }) => {
  const last = epochs[epochs.length - 1];
  const ends = { from: say("epoch", { n: sayNumber(epochs[0].epoch) }), to: say("epoch", { n: sayNumber(last.epoch) }) };
  const lines = (/** @type {"loss" | "accuracy"} */ name) => [
    { name: "training", title: say("inTraining"), values: valuesOf(epochs, name) },
    { name: "validation", title: say("inValidation"), values: valuesOf(epochs, `val_${name}`) },
  ];
  return html`
    <div class="curves">
      <${Lines} title=${say("loss")} words=${say("lossWords", { training: sayLoss(last.loss), validation: sayLoss(last.val_loss) })}
        lines=${lines("loss")} sayValue=${(/** @type {number} */ value) => sayNumber(value, value < 1 ? 2 : 0)} ...${ends} />
      <${Lines} title=${say("measure_accuracy")} words=${say("accuracyWords", { training: sayShare(last.accuracy), validation: sayShare(last.val_accuracy) })}
        lines=${lines("accuracy")} end=${1} sayValue=${sayPercent} ...${ends} />
    </div>`;
};

/** How long the last epoch took. @param {Epoch[]} epochs */
function sayLastEpoch(epochs) {
  const seconds = epochs[epochs.length - 1]?.seconds;
  return seconds && say("lastEpoch", { time: sayDuration(seconds) });
}

/** What a training was asked for. @param {{request: Job["request"]}} props */
const TrainingAsked = ({ request }) => {
  const facts = /** @type {[string, string][]} */ ([
    [say("architecture"), request.architecture],
    [say("train_epochs"), sayNumber(request.epochs)],
    [say("train_batch_size"), sayNumber(request.batch_size)],
    [say("train_optimizer"), request.optimizer],
    [say("train_learning_rate"), new Intl.NumberFormat(getLanguage(), { maximumSignificantDigits: 3 }).format(request.learning_rate)],
    [say("train_class_balancing"), say(request.class_balancing ? "yes" : "no")],
  ]);
  return html`
    <section class="card">
      <h2>${say("askedFor")}</h2>
      <dl class="pairs">
        <dt>${say("title_dataset")}</dt><dd><a href="#/dataset/${request.dataset}">${isolated(request.dataset_name)}</a></dd>
        ${facts.map(([title, value]) => html`<dt>${title}</dt><dd>${value}</dd>`)}
      </dl>
    </section>`;
};

/** What the job prints, read on from the last line that is known. @param {{job: Job}} props */
const Log = ({ job }) => {
  const [lines, setLines] = useState(/** @type {{number: number, text: string}[]} */ ([]));
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const [open, setOpen] = useState(false);
  const last = useRef(0);
  const attempt = job.started_at; // a job that is started again writes a new log
  useEffect(() => {
    last.current = 0;
    setLines([]);
  }, [attempt]);
  useEffect(() => {
    if (!open) return undefined;
    let current = true;
    get(`${apiPath`/jobs/${job.id}/log`}?after=${last.current}`).then(
      ({ lines: found }) => {
        if (!current) return;
        setError(null);
        if (found.length === 0) return;
        last.current = found[found.length - 1].number;
        setLines((before) => [...before, ...found]);
      },
      (problem) => current && !isPassing(problem) && setError(problem),
    );
    return () => void (current = false);
  }, [open, attempt, job]);
  return html`
    <details class="card" onToggle=${(/** @type {DetailsEvent} */ event) => setOpen(event.target.open)}>
      <summary><strong>${say("log")}</strong></summary>
      ${error && html`<${Message} kind="bad">${sayError(error)}<//>`}
      ${lines.length === 0
        ? html`<p>${say("logEmpty")}</p>`
        : html`<pre class="log" tabindex="0" role="region" aria-label=${say("log")}><code>${lines.map(
            ({ number, text }, place) => html`${place > 0 && number > lines[place - 1].number + 1 && "…\n"}${`${text}\n`}`,
          )}</code></pre>`}
    </details>`;
};

/** @typedef {Job & {error: string, error_code: string}} FailedJob */

/** Why it failed, in this language as far as there are words for it; nothing where there are none. @param {FailedJob} job */
function sayFault({ error, error_code: code }) {
  if (hasWords(`fault_${code}`)) return sayValue("fault", code);
  return hasWords(`error_${code}`) ? sayError({ status: 422, code, message: error }) : "";
}

const Failed = (/** @type {{job: FailedJob}} */ { job }) => {
  const words = sayFault(job);
  return html`
    <${Message} kind="bad">
      <p><strong>${sayValue("failed", job.kind)}</strong></p>
      ${words && html`<p>${words}</p>`}
      ${!words.includes(job.error) && html`<p lang="en"><small>${isolated(job.error)}</small></p>`}
    <//>`;
};

const Actions = (/** @type {{job: Job, onChange: () => void}} */ { job, onChange }) => {
  const { run, failed } = useAct();
  const act = (/** @type {"retry" | "cancel"} */ what) => post(apiPath`/jobs/${job.id}/${what}`).then(onChange);
  const version = job.result?.version;
  const ended = job.status === "failed" || job.status === "cancelled";
  return html`
    <div class="row">
      ${version && html`<a class="button primary" href="#/version/${version}">${say("toModel")}</a>`}
      ${isUnfinished(job) && job.message !== "Being cancelled" && html`<${AskFirst} words=${sayValue("cancel", job.kind)} look="danger" keep=${say("keepRunning")} onConfirm=${() => act("cancel")}>
        <${Change} before=${`${sayValue("job_is", job.status)} (${sayPercent(Math.round(job.progress) / 100)})`} after=${say("job_is_cancelled")} />
        <p>${sayValue("cancelled", job.kind)}</p><//>`}
      ${ended && html`<button class="primary" onClick=${() => run(() => act("retry"))}>${say("startAgain")}</button>`}
    </div>
    ${failed}`;
};

/** How long it has run, to the second: it goes on where no step can be counted. @param {string} since */
function sayClock(since) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** When the attempt that runs began, where that was not the first. @param {Job} job */
const begunAgain = ({ started_at: first, attempt_started_at: last }) => (first && last && Date.parse(last) > Date.parse(first) ? last : "");

const HowFar = (/** @type {{job: Job}} */ { job }) => {
  const unclaimed = job.status === "queued" && Date.now() - Date.parse(job.created_at) > LONG_WAIT_MS;
  return html`
  <section class="card">
    <div class="row between">${job.status === "queued" ? html`<span>${say(unclaimed ? "queuedLong" : "queuedText")}</span>` : html`<${Progress} message=${job.message} />`}<strong>${sayPercent(Math.round(job.progress) / 100)}</strong></div>
    <progress max="100" value=${job.progress} aria-label=${say("progress")}></progress>
    ${job.status === "running" && begunAgain(job) && html`<p>${say("begunAgain", { date: sayDate(begunAgain(job)) })}</p>`}
    <p><small>${[
      job.status === "running" && job.started_at && say("runsFor", { time: sayClock(begunAgain(job) || job.started_at) }),
      job.metrics.length > 0 && say("epochOf", { n: sayNumber(job.metrics.length), all: sayNumber(job.request.epochs) }),
      sayLastEpoch(job.metrics),
      job.attempts > 1 && say("attempt", { n: sayNumber(job.attempts) }),
    ]
      .filter(Boolean)
      .join(" · ")}</small></p>
  </section>`;
};

const OneJob = (/** @type {{argument: string}} */ { argument }) => {
  const polled = usePolling(() => get(apiPath`/jobs/${argument}`), [argument], isUnfinished);
  return html`
    <${Polled} polled=${polled}>
      ${(/** @type {Job} */ job) => html`
        <div class="row between"><h1>${titleOf(job)}</h1><${StateBadge} state=${job.status} words=${sayValue("job_is", job.status)} /></div>
        <p class="lead"><code>${job.id}</code> · ${say(job.started_at ? "begunAt" : "askedAt", { date: sayDate(job.started_at ?? job.created_at) })}
          ${job.completed_at && ` · ${[say("endedAt", { date: sayDate(job.completed_at) }), sayTime(job)].filter(Boolean).join(" · ")}`}</p>
        ${isUnfinished(job) && html`<${HowFar} job=${job} />`}
        ${job.error && html`<${Failed} job=${job} />`}
        ${job.status === "completed" && html`<${Message} kind="good">${sayValue("completed", job.kind)}<//>`}
        <${Actions} job=${job} onChange=${polled.reload} />
        ${job.metrics.length > 0 && html`<${Curves} epochs=${job.metrics} />`}
        ${job.kind === "training" && html`<${TrainingAsked} request=${job.request} />`}
        <${Log} job=${job} />`}
    <//>`;
};

export const VIEWS = { jobs: Jobs, job: OneJob };
