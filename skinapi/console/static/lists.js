// @ts-check
// The lists of the API, page by page.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { getPage, readPages } from "/console/api.js";
import { Failure, Icon, Loading, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";

/**
 * A list of the API as far as it has been read; `more` reads the next page where `next` names one.
 * It begins anew when `path` changes. @template T @param {string} path @returns {PagesOf<T>}
 */
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

/**
 * What `children` makes of the items so far, and the way to more of them.
 * @template T @param {{pages: PagesOf<T>, empty: unknown, children: (items: T[]) => unknown}} props
 */
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
