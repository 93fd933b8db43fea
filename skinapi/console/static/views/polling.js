// @ts-check
// What changes while one looks at it: asked for again and again, until it has ended or the view is left.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Failure, Loading, Message, sayError } from "/console/components.js";

const EVERY_MS = 2000;
const LONGEST_MS = 30_000;
/** No answer, too many requests, a busy server: these pass by themselves. */
const PASSING = new Set([0, 429, 503]);

/** @param {Failed} error */
export const isPassing = (error) => PASSING.has(error.status);

/**
 * What a request answers, and what it answers then, as long as `goesOn` says so of the answer.
 * @template T @param {() => Promise<T>} ask @param {unknown[]} inputs @param {(value: T) => boolean} goesOn
 * @param {number} [everyMs]
 */
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

/**
 * As `Answer`; where the server is away for a while, what it said last stays on the screen.
 * @template T @param {{polled: {value?: T, error?: Failed, reload: () => void}, children: (value: T) => unknown}} props
 */
export const Polled = ({ polled, children }) => {
  const { value, error, reload } = polled;
  if (value === undefined) return error ? html`<${Failure} error=${error} retry=${reload} />` : html`<${Loading} />`;
  if (error && !isPassing(error)) return html`<${Failure} error=${error} retry=${reload} />`;
  return html`${error && html`<${Message} kind="bad">${sayError(error)}<//>`}${children(value)}`;
};
