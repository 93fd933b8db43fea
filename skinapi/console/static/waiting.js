// @ts-check
// What waits, asked for as long as one looks at the page: messages that nobody has read, second
// opinions that have come, accounts that nobody has approved.

import { html, useEffect, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getSession, onSessionChange, personNumber } from "/console/api.js";
import { say, sayNumber } from "/console/language.js";
import { usePolling } from "/console/views/polling.js";

const EVERY_MS = 5000;
/** Accounts. */
const SELDOM_MS = 30_000;
/** @type {Api["WaitingView"][]} */
let known = [];
/** Second opinions that have come to a doctor, who decides. */
let opinions = 0;
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {Api["WaitingView"][]} next @param {number} came */
function tell(next, came) {
  [known, opinions] = [next, came];
  listeners.forEach((listener) => listener());
}

onSessionChange(() => {
  if (!getSession()) tell([], 0); // it is not for whoever is next
});

/** How many second opinions have come; a server of the version before knows of none. */
const countOpinions = () =>
  getSession()?.role === "doctor"
    ? get("/second-opinions").then(({ came }) => came, (error) => (error.status === 404 ? 0 : Promise.reject(error)))
    : 0;

/** Ask now. */
export async function askForMessages() {
  if (document.visibilityState === "visible") tell(...(await Promise.all([get("/messages"), countOpinions()])));
}

/** For the frame: ask again and again while `asked`. @param {boolean} asked */
export const useAsking = (asked) => {
  usePolling(async () => asked && askForMessages(), [asked, personNumber()], () => asked, EVERY_MS);
};

/** What waits as of the last answer, another array after each. @returns {Api["WaitingView"][]} */
export function useWaiting() {
  const [shown, setShown] = useState(known);
  useEffect(() => {
    const listener = () => setShown(known);
    listener();
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return shown;
}

/** How many messages wait, beside a place of the navigation. */
export const UnreadCount = () => {
  const count = useWaiting().reduce((sum, { unread }) => sum + unread, 0);
  return count > 0 && html` <span class="unread" role="img" aria-label=${say("messagesUnread", { count: String(count) })}>${count}</span>`;
};

/** How many second opinions wait for the doctor's decision, beside the queue, where they stand first. */
export const OpinionCount = () => {
  useWaiting();
  return opinions > 0 && html` <span class="unread" role="img" aria-label=${say("opinionsCame", { count: String(opinions) })}>${opinions}</span>`;
};

/** Ask again how many accounts wait: one was just decided on. */
let askAgain = () => {};
export const askForAccounts = () => askAgain();

/** How many accounts wait for approval, beside their place; the API counts up to 1000. */
export const AccountCount = () => {
  const { value, reload } = usePolling(() => get("/accounts/waiting"), [personNumber()], () => true, SELDOM_MS);
  askAgain = reload;
  const count = value?.count ?? 0;
  return count > 0 && html` <span class="unread" role="img" aria-label=${say("accountsWaiting", { count: sayNumber(count) })}>${sayNumber(count)}</span>`;
};
