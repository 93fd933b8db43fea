// The frame around every view: navigation by role, language, login, and which view is shown.

import { html, render, useEffect, useLayoutEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { checkSession, get, getSession, isAsking, isLeftOut, isSending, isWaitingForLogin, logOut, onSessionChange, patch, personNumber, setSession } from "/console/api.js";
import { AdviceStays } from "/console/clinic.js";
import { Failure, Icon, Loading, Menu, toast, Toasts, useAnswer, useRedraw, Veil } from "/console/components.js";
import { getLanguage, hasWords, nameOfLanguage, otherLanguages, readStaffWords, say, setLanguage } from "/console/language.js";
import { AREAS, goTo, MODELS, OWN_PLACES, placeOf, placesOf, readAddress, READS_MESSAGES, scrollToTop } from "/console/navigation.js";
import { AccountCount, QueueCount, UnreadCount, useAsking } from "/console/waiting.js";

/** The module of each view, loaded when that is first shown: its `View`, or one of its `VIEWS`. */
const VIEWS = /** @type {Record<string, () => Promise<{View: unknown} | {VIEWS: Record<string, unknown>}>>} */ ({
  "": () => import("/console/views/start.js"),
  login: () => import("/console/views/login.js"),
  register: () => import("/console/views/login.js"),
  password: () => import("/console/views/login.js"),
  forgotten: () => import("/console/views/login.js"),
  waiting: () => import("/console/views/login.js"),
  sample: () => import("/console/views/sample.js"),
  check: () => import("/console/views/new_finding.js"),
  finding: () => import("/console/views/finding.js"),
  spots: () => import("/console/views/spots.js"),
  spot: () => import("/console/views/spot.js"),
  messages: () => import("/console/views/messages.js"),
  visits: () => import("/console/views/compare_photos.js"),
  account: () => import("/console/views/account.js"),
  "my-data": () => import("/console/views/my_data.js"),
  queue: () => import("/console/views/queue.js"),
  case: () => import("/console/views/queue.js"),
  patients: () => import("/console/views/patients.js"),
  course: () => import("/console/views/patients.js"),
  outcomes: () => import("/console/views/outcomes.js"),
  overview: () => import("/console/views/overview.js"),
  accounts: () => import("/console/views/accounts.js"),
  audit: () => import("/console/views/audit.js"),
  integrations: () => import("/console/views/sections.js"),
  "data-protection": () => import("/console/views/sections.js"),
  keys: () => import("/console/views/keys.js"),
  triage: () => import("/console/views/triage.js"),
  model: () => import("/console/views/model.js"),
  models: () => import("/console/views/models.js"),
  version: () => import("/console/views/version.js"),
  missing: () => import("/console/views/start.js"),
  ...Object.fromEntries(AREAS.flatMap(({ views }) => Object.entries(views)).map(([name, file]) => [name, () => import(file)])),
});
/** Views of areas for whoever is not logged in; they have few words. */
const OPEN = AREAS.flatMap(({ open }) => open);
/** Views without a word of `console_staff.yaml`, which are fetched with the first other view; a person rarely opens that of their data. */
const FEW_WORDS = new Set(["", "login", "register", "password", "forgotten", "waiting", "sample", "check", "finding", "spots", "spot", "visits", "messages", "account", "missing", ...OPEN]);
const PUBLIC = new Set(["", "login", "register", "password", "forgotten", "waiting", "sample", "model", "missing", ...OPEN]);
/** Of these only who is not logged in has a use. */
const FORMS = new Set(["login", "register"]);
/** What is opened by an address of its own. @type {Record<string, string>} */
const PAGES = { "/password": "password" };

/** What stands behind the name of a view: a number, an id, the version of a model, or the name of a tab. */
const ARGUMENT = /^(?:\w[\w.-]*)?$/;

const MISSING = { name: "missing", argument: "", filters: new URLSearchParams() };
/** Views that are one page with another one: what they show is exchanged, and not the page. @type {Record<string, string>} */
const WITHIN = { case: "queue" };

function readPlace() {
  if (location.pathname !== "/" && !location.hash) return { ...MISSING, name: PAGES[location.pathname] ?? "missing" };
  const { name, argument, rest, filters } = readAddress();
  const known = Object.hasOwn(VIEWS, name) && (name || !argument) && ARGUMENT.test(argument) && rest.length === 0;
  return known ? { name, argument, filters } : MISSING;
}

/** For the console, and for the reports of who is logged in. @param {import("/console/language.js").Language} next */
function chooseLanguage(next) {
  setLanguage(next).catch(() => toast(say("offline")));
  if (getSession()) patch("/me", { locale: next }).catch(() => {});
}

/** How many of these fit in a line, where a button of that width stands behind them unless all do. @param {number[]} widths @param {{line: number, gap: number, button: number}} room */
function countFitting(widths, { line, gap, button }) {
  const ends = widths.map((_, index) => widths.slice(0, index + 1).reduce((sum, width) => sum + width + gap, -gap));
  return ends.every((end) => end <= line) ? ends.length : ends.filter((end) => end + gap + button <= line).length;
}

/** How many links of a navigation have room in its one line, as long as the window and their counts stay as they are. @param {{current: HTMLElement | null}} nav */
function useRoom(nav) {
  const [room, setRoom] = useState(Infinity);
  useLayoutEffect(() => {
    const bar = /** @type {HTMLElement} */ (nav.current);
    const links = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll(":scope > a")]);
    const measure = () => {
      const style = getComputedStyle(bar);
      const line = bar.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      // The button is as wide as a link is high.
      const size = { line, gap: parseFloat(style.columnGap), button: links[0]?.offsetHeight ?? 0 };
      setRoom(countFitting(links.map((link) => link.getBoundingClientRect().width), size));
    };
    const observer = new ResizeObserver(measure);
    [bar, ...links].forEach((one) => observer.observe(one));
    measure();
    return () => observer.disconnect();
  });
  return room;
}

/** @typedef {{place: string, text: string, current: "page" | "true" | null, count?: unknown}} Place */

/** A place by its shorter name, where it has one; else by its title. @param {string} place */
const wordOf = (place) => /** @type {WordKey} */ (hasWords(`nav_${place}`) ? `nav_${place}` : `title_${place}`);

/** @param {string} place @param {WordKey} [word] @returns {Place} */
function placeFor(place, word = wordOf(place)) {
  const { name } = readPlace();
  const here = placeOf(name) === place || (word === "modelsMade" && MODELS.includes(placeOf(name)));
  return { place, text: say(word), current: !here ? null : place === name && word !== "modelsMade" ? "page" : "true" };
}

/** The places that have room in one line, and a menu of the others. @param {{name: string, label: string, places: Place[]}} props */
const Places = ({ name, label, places }) => {
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  const room = useRoom(nav);
  const beyond = places.slice(room);
  const links = places.map(({ place, text, current, count }, index) => html`<a key=${place} href=${`#/${place}`} aria-current=${current} class=${index < room ? null : "no-room"}>${text}${count}</a>`);
  const menu = html`<${Menu} key="more" name=${name} label=${say("more")}>${beyond.map(({ place, text, current }) => html`<a href=${`#/${place}`} aria-current=${current}>${text}</a>`)}<//>`;
  return html`<nav class=${name} ref=${nav} aria-label=${label}>${beyond.length > 0 ? [...links.slice(0, room), menu, ...links.slice(room)] : links}</nav>`;
};

/** What waits at a place. @param {string} place */
const countAt = (place) => html`${place === "queue" && html`<${QueueCount} />`}${READS_MESSAGES.includes(place) && html`<${UnreadCount} />`}${place === "accounts" && html`<${AccountCount} />`}`;

/** Who works here, and sends no photos of their own by the role. @param {string} [role] */
const isStaffRole = (role = "user") => role !== "user";

const Header = () => {
  const session = getSession();
  const isStaff = isStaffRole(session?.role);
  const own = useAnswer(() => (isStaff ? get("/submissions?limit=1").catch(() => []) : Promise.resolve([])), [personNumber(), isStaff]);
  const places = session ? [...placesOf(session.role), ...(own.value?.length > 0 ? OWN_PLACES : []), "account"] : [];
  useAsking(places.some((place) => READS_MESSAGES.includes(place)));
  return html`
    <header class="top">
      <a class="brand" href="#/"><img src="/console/icon.svg" width="28" height="28" alt="" /><span>SkinAPI</span></a>
      <${Places} name="places" label=${say("navigation")} places=${places.map((place) => ({ ...placeFor(place, place === MODELS[0] && place !== "models" ? "modelsMade" : undefined), count: countAt(place) }))} />
      <div class="row">
        ${session
          ? html`<button class="quiet log-out" onClick=${logOut}>${say("logOut")}</button>`
          : html`<a class=${`button quiet${isAsking() ? " unseen" : ""}`} href="#/login">${say("title_login")}</a>`}
        ${otherLanguages().map((other) => html`<button class="quiet language" lang=${other} onClick=${(/** @type {MouseEvent} */ event) => event.detail < 2 && chooseLanguage(other)}>${nameOfLanguage(other)}</button>`)}
      </div>
    </header>`;
};

const BesideModels = () =>
  getSession() && MODELS.length > 1 && MODELS.includes(placeOf(readPlace().name)) && html`<${Places} name="nearby" label=${say("modelsMade")} places=${MODELS.map((place) => placeFor(place))} />`;

/** What was decided about a person who is staff now: no page on which staff begin has it. @param {{role: string}} props */
const OwnDecision = ({ role }) => {
  const concerned = isStaffRole(role) && !OWN_PLACES.includes(placeOf(readPlace().name));
  const answer = useAnswer(() => (concerned ? get("/inbox").catch(() => null) : Promise.resolve(null)), [personNumber(), concerned]);
  if (!concerned || !answer.value?.decisions.length) return null;
  return html`<p class="notice" role="status"><${Icon} name="info" size=${16} /><span>${say("ownDecision")} <a href="#/spots">${say("ownDecisionRead")}</a></span></p>`;
};

const View = () => {
  const { name, argument, filters } = readPlace();
  const [module, setModule] = useState(/** @type {{View: unknown, shown: string} | null} */ (null));
  const [error, setError] = useState(/** @type {Failed | null} */ (null));
  const mayShow = PUBLIC.has(name) || getSession();
  const shown = mayShow ? (WITHIN[name] ?? name) : "login";
  useEffect(() => {
    let current = true;
    setError(null);
    Promise.all([VIEWS[shown](), FEW_WORDS.has(shown) || readStaffWords()]).then(
      ([loaded]) => {
        if (!current) return;
        setModule({ View: "VIEWS" in loaded ? loaded.VIEWS[shown] : loaded.View, shown });
        document.querySelector("main")?.focus({ preventScroll: true });
        if (module?.shown !== shown) scrollToTop();
      },
      (problem) => current && setError(problem),
    );
    return () => void (current = false);
  }, [shown, getLanguage()]);
  const title = mayShow ? name || "start" : "login";
  useEffect(() => {
    if (module) document.title = `${say(/** @type {WordKey} */ (`title_${title}`))} · SkinAPI`;
  }, [title, module, getLanguage()]);
  if (error) return html`<${Failure} error=${{ status: 0 }} retry=${() => location.reload()} />`;
  if (module?.shown !== shown || isAsking()) return html`<${Loading} />`;
  return html`<${module.View} argument=${argument} filters=${filters} key=${`${shown}/${Object.values(WITHIN).includes(shown) ? "" : argument}/${personNumber()}`} />`;
};

/** The session ended while something was asked or sent: that goes on once one has logged in again. What was
 * shown stays below, and cannot be seen, printed or copied: somebody else may sit here now. */
const LoginAgain = () => {
  const [form, setForm] = useState(/** @type {typeof import("/console/views/login.js").LoginForm | null} */ (null));
  useEffect(() => void import("/console/views/login.js").then((module) => setForm(() => module.LoginForm)), []);
  const leave = () => {
    setSession(null);
    goTo("login");
  };
  return html`
    <${Veil} title=${say("sessionEnded")} text=${say(isSending() ? "sessionEndedSending" : "sessionEndedText")}>
      ${form && html`<${form} email=${getSession()?.email ?? ""} />`}
      <button class="quiet" onClick=${leave}>${say(isSending() ? "leave" : "logOut")}</button>
    <//>`;
};

/** What the lists of this view do not show. */
const LeftOut = () => isLeftOut() && html`<${AdviceStays} what=${say("partHidden")} />`;

const Console = () => {
  useRedraw();
  return html`
    <a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
      event.preventDefault();
      document.querySelector("main")?.focus();
    }}>${say("skip")}</a>
    <${Header} />
    <div class="page">
      <${BesideModels} />
      <p class="notice"><${Icon} name="info" size=${16} />${say("notice")}</p>
      ${getSession() && html`<${OwnDecision} role=${getSession()?.role ?? ""} />`}
      <main id="main" tabindex="-1"><${LeftOut} /><${View} /></main>
      <footer><nav aria-label=${say("more")}><a href="#/model">${say("title_model")}</a>${isStaffRole(getSession()?.role) && html`<a href="/docs">${say("nav_docs")}</a>`}</nav></footer>
    </div>
    <${Toasts} />
    ${isWaitingForLogin() && html`<${LoginAgain} />`}`;
};

// The address of who has left may hold a name; who is logged in, perhaps in another tab, needs no form.
let somebody = getSession();
const goHome = () => {
  const left = somebody && !getSession();
  somebody = getSession();
  if (left || (somebody && FORMS.has(readPlace().name))) goTo("");
};
onSessionChange(goHome);
goHome(); // an answer may have come while the words were on their way
// What is folded is printed too.
let folded = /** @type {HTMLDetailsElement[]} */ ([]);
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("main details")].flatMap((one) => (one instanceof HTMLDetailsElement && !one.open ? one : []));
  folded.forEach((one) => (one.open = true));
});
addEventListener("afterprint", () => folded.forEach((one) => (one.open = false)));
// Meanwhile the session may have ended elsewhere; Back shows a page from memory, as it was left.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && checkSession());
addEventListener("pageshow", (event) => event.persisted && checkSession());
document.documentElement.lang = getLanguage();
const root = /** @type {HTMLElement} */ (document.getElementById("console"));
render(html`<${Console} />`, root);
