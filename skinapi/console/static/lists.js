// Lists and tables of what the API answers, what changes while one looks at it, and small pictures.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, getFile, getPage, readPages } from "/console/api.js";
import { Failure, Icon, Loading, Message, sayError, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";

/** A list of the API as far as it has been read; `more` reads the next page where `next` names one.
 * It begins anew when `path` changes. @template T @param {string} path @returns {PagesOf<T>} */
export function usePages(path) {
  const [state, setState] = useState(/** @type {Pick<PagesOf<T>, "items" | "next" | "error" | "loading">} */ ({ next: null, loading: true }));
  const turn = useRef(0);
  const latest = useRef(state);
  latest.current = state;
  /** @param {string} address @param {boolean} fresh */
  const load = async (address, fresh) => {
    const mine = ++turn.current;
    setState((before) => ({ ...before, error: undefined, loading: true }));
    try {
      const page = await getPage(address);
      if (mine !== turn.current) return;
      setState(({ items = [] }) => ({ items: fresh ? page.items : [...items, ...page.items], next: page.next, loading: false }));
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ ...before, error, loading: false }));
    }
  };
  /** Read the pages that are shown once more, without a sign of it. */
  const refresh = async () => {
    const [mine, { items: shown, loading }] = [turn.current, latest.current];
    if (!shown || loading || document.visibilityState === "hidden") return;
    const { items, next } = await readPages(path, shown.length);
    if (mine === turn.current) setState({ items, next, loading: false });
  };
  useEffect(() => {
    setState({ next: null, loading: true });
    load(path, true);
    return () => void turn.current++;
  }, [path]);
  return { ...state, refresh, reload: () => load(path, true), more: () => load(state.next ?? path, state.next === null) };
}

/** What `children` makes of the items so far, and the way to more of them.
 * @template T @param {{pages: PagesOf<T>, empty: unknown, children: (items: T[]) => unknown}} props */
export const Pages = ({ pages, empty, children }) => {
  const { items, next, error, loading } = pages;
  return html`
    ${items && (items.length > 0 || next ? children(items) : empty)}
    ${error && html`<${Failure} error=${error} retry=${pages.more} />`}
    ${!items && !error && html`<${Loading} />`}
    ${items && next && !error && html`
      <button disabled=${loading} onClick=${pages.more}>${say(loading ? "loading" : "showMore")}</button>`}`;
};

/** A list of the API, one page of it at a time. It begins anew when `path` changes. @param {string} path */
export function usePaging(path) {
  const [trail, setTrail] = useState([path]); // the pages up to the one that is shown
  const began = trail[0] === path ? trail : [path];
  const answer = useAnswer(() => getPage(began[began.length - 1]), [began[began.length - 1]]);
  const { items, next = null } = answer.value ?? { items: undefined };
  return {
    ...answer,
    value: items,
    back: began.length > 1 ? () => setTrail(began.slice(0, -1)) : null,
    on: next && !answer.loading ? () => setTrail([...began, next]) : null,
  };
}

/** The way to the pages beside this one, where there are any. @param {{back: false | null | (() => void), on: false | null | (() => void)}} props */
export const Turn = ({ back, on }) =>
  (back || on) && html`
    <div class="row between">
      <span>${back && html`<button class="quiet" onClick=${back}><${Icon} name="back" size=${16} />${say("pageBack")}</button>`}</span>
      ${on && html`<button class="quiet" onClick=${on}>${say("pageOn")}<${Icon} name="next" size=${16} /></button>`}
    </div>`;

/** The first column names the row. @template T @param {{title: string, columns: Column<T>[], rows: T[]}} props */
export const Table = ({ title, columns: [first, ...others], rows }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label=${title}>
    <table class="stacked">
      <thead><tr>${[first, ...others].map(([name, , head = name]) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map((row, at) => html`<tr>
        <th scope="row">${first[1](row, at)}</th>${others.map(([name, show]) => html`<td data-name=${name}>${show(row, at)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;

const EVERY_MS = 2000;
const LONGEST_MS = 30_000;
/** No answer, too many requests, a busy server: these pass by themselves. */
const PASSING = new Set([0, 429, 503]);

export const isPassing = (/** @type {Failed} */ error) => PASSING.has(error.status);

/** What a request answers, and what it answers then, as long as `goesOn` says so of the answer.
 * @template T @param {() => Promise<T>} ask @param {unknown[]} inputs @param {(value: T) => boolean} goesOn
 * @param {number} [everyMs] */
export function usePolling(ask, inputs, goesOn, everyMs = EVERY_MS) {
  const [state, setState] = useState(/** @type {{value?: T, error?: Failed}} */ ({}));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let [current, timer, wait] = [true, 0, everyMs];
    const look = async () => {
      try {
        const value = await ask();
        if (!current) return;
        setState({ value });
        if (!goesOn(value)) return;
        wait = everyMs;
      } catch (error) {
        if (!current) return;
        setState((before) => ({ ...before, error }));
        if (!isPassing(error)) return;
        wait = Math.min(2 * wait, LONGEST_MS);
      }
      timer = window.setTimeout(look, wait);
    };
    look();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [...inputs, turn]);
  return { ...state, reload: () => setTurn(turn + 1) };
}

/** As `Answer`; where the server is away for a while, what it said last stays on the screen.
 * @template T @param {{polled: {value?: T, error?: Failed, reload: () => void}, children: (value: T) => unknown}} props */
export const Polled = ({ polled, children }) => {
  const { value, error, reload } = polled;
  if (value === undefined) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  if (error && !isPassing(error)) return html`<${Failure} error=${error} retry=${reload} />`;
  return html`${error && html`<${Message} kind="bad">${sayError(error)}<//>`}${children(value)}`;
};

const NEAR = "300px";

/** The picture at this path, small; an icon where there is none. @param {{path: string | null, alt?: string}} props */
export const Thumbnail = ({ path, alt = "" }) => {
  const [url, setUrl] = useState("");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!path || !place.current) return undefined;
    let made = "";
    let current = true;
    const fetchPicture = async () => {
      made = await getFile(path, "image/jpeg").catch(() => "");
      if (current) setUrl(made);
      else if (made) URL.revokeObjectURL(made);
    };
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        fetchPicture();
      },
      { rootMargin: NEAR },
    );
    observer.observe(place.current);
    return () => {
      current = false;
      observer.disconnect();
      if (made) URL.revokeObjectURL(made);
    };
  }, [path]);
  return html`<span class="thumb" ref=${place}>
    ${url ? html`<img class="thumb" src=${url} alt=${alt} />` : html`<${Icon} name="camera" />`}</span>`;
};

/** The kept photo of a finding, small. @param {{number: number, kept: boolean}} props */
export const KeptPhoto = ({ number, kept }) => html`<${Thumbnail} path=${kept ? apiPath`/submissions/${number}/thumbnail` : null} />`;
