// A doctor's workspace: the findings of the patients in care as rows, and beside them the case that is
// open. What is listed and which case is open stand in the address.

import { html, useEffect, useMemo, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions } from "/console/api.js";
import { Empty, Icon, Load, onValue, toast, TYPED_IN, useAnswer, useKeys } from "/console/components.js";
import { say, sayNumber } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { addressOf, goTo } from "/console/navigation.js";
import { askWhatWaits, countUnread, useWaiting } from "/console/waiting.js";
import { Case, FoldedKeys, prepareCase } from "/console/views/case.js";
import { placeOfConversation, UnreadLinks } from "/console/views/conversation.js";
import { Overdue } from "/console/views/decision.js";
import { labelOfBand } from "/console/views/finding.js";
import { sayUnassigned } from "/console/views/overview.js";
import { FindingRows, groupByPatient, isOpinion, sayOverdue, urgencyOf } from "/console/views/queue_rows.js";

/** A page is short: the first ones are what a doctor reads. */
const PAGE = 40;
/** So near to the end of what is there the next page is read. */
const NEAR_END = 8;
/** What each list asks for; the first is shown without a name in the address. @type {Record<string, Record<string, string>>} */
const LISTS = {
  "": { reviewed: "false" },
  unassigned: { unassigned: "true" },
  reviewed: { reviewed: "true" },
  all: {},
};

/** What spots wait for. Each has a list of every urgency; that of `review` holds only what is overdue, the rest is in the first list. */
const KINDS = /** @type {const} */ (["review", "telling", "result", "photo", "opinion", "answer", "visit"]);
const isKind = (/** @type {string} */ list) => KINDS.some((one) => one === list);

const URGENT = "urgent_referral";

/** @typedef {import("/console/views/queue_rows.js").Found} Found */
/** @typedef {{list: string, urgency: string}} Filters what is listed, as it stands in the address */

/** Anyone can put an address into a link. @param {URLSearchParams} given @param {Api["ConditionsView"]} conditions @returns {Filters} */
const filtersOf = (given, { bands }) => {
  const [list = "", urgency = ""] = ["list", "urgency"].map((name) => given.get(name) ?? "");
  if (isKind(list)) return { list, urgency: "" };
  return { list: Object.hasOwn(LISTS, list) ? list : "", urgency: bands.some(({ key }) => key === urgency) ? urgency : "" };
};

/** What is asked of the API. @param {Filters} filters */
const pathOf = ({ list, urgency }) => {
  const asked = isKind(list) ? { kind: list, ...(list === "review" && { overdue: "true" }) } : { ...LISTS[list], ...(urgency && { urgency }) };
  return `/${isKind(list) ? "waiting" : "queue"}?${new URLSearchParams({ ...asked, limit: String(PAGE) })}`;
};

/** The rows, and the one cursor: the case that is open, else the row that has the focus, or had it last. It stays at its
 * finding when others come or go; where its finding has left the list, at the one that has moved up; in another list (`path`) it begins at the first.
 * @param {Found[]} rows @param {number} open @param {string} path */
const useCursor = (rows, open, path) => {
  const [chosen, setChosen] = useState(0);
  const last = useRef(0);
  useEffect(() => {
    setChosen(0);
    last.current = 0;
  }, [path]);
  const wanted = open || chosen || rows[0]?.id || 0;
  const at = rows.findIndex(({ id }) => id === wanted);
  const place = at < 0 && !open ? Math.min(last.current, rows.length - 1) : at; // -1: what is open has left the list
  const cursor = rows[place]?.id ?? wanted;
  if (place >= 0) last.current = place;
  /** The row before. @returns {Found | undefined} */
  const before = () => rows.slice(0, Math.max(0, last.current)).reverse().find((one) => one.id !== open);
  return { cursor, place, setChosen, before };
};

/** What a choice holds, where that is known. @param {string} name @param {number | undefined} count */
const counted = (name, count) => (count === undefined ? name : `${name} (${count})`);

/** @param {typeof KINDS[number]} kind @param {Api["QueueCountsView"] | null} counts */
const sayKind = (kind, counts) => (kind === "review" ? sayOverdue(kind, counts?.waiting[kind]?.overdue) : counted(say(`waiting_${kind}`), counts?.waiting[kind]?.count));

/** One of the filters, as a list.
 * @param {{name: "list" | "urgency", label: string, value: string, options: [string, string][], onChange: (changed: Partial<Filters>) => void}} props */
const Which = ({ name, label, value, options, onChange }) => html`
  <label><span class="hidden">${label}</span>
    <select name=${`which-${name}`} value=${value} onChange=${onValue((chosen) => onChange({ [name]: chosen }))}>
      ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    </select></label>`;

/** Each choice is a step for Back.
 * @param {{filters: Filters, counts: Api["QueueCountsView"] | null, conditions: Api["ConditionsView"], onChange: (changed: Partial<Filters>) => void}} props */
const Filter = ({ filters: { list, urgency }, counts, conditions, onChange }) => {
  const waiting = list ? undefined : counts?.by_urgency;
  const lists = [
    ["", counted(say("toReview"), counts?.to_review)],
    ...(counts?.unassigned || list === "unassigned" ? [["unassigned", counted(say("withoutDoctor"), counts?.unassigned?.spots)]] : []), ["reviewed", say("reviewed")],
    ...KINDS.filter((kind) => kind !== "review" || list === kind || counts?.waiting[kind]?.overdue).map((kind) => [kind, sayKind(kind, counts)]), ["all", say("all")],
  ];
  const urgencies = conditions.bands.map(({ key }) => [key, counted(labelOfBand(conditions, key), waiting?.[key])]);
  return html`
    <div class="filters">
      <${Which} name="list" label=${say("whichList")} value=${list} options=${lists} onChange=${onChange} />
      ${!isKind(list) && html`
        <${Which} name="urgency" label=${say("urgency")} value=${urgency} options=${[["", say("anyUrgency")], ...urgencies]} onChange=${onChange} />`}
    </div>`;
};

/** One line for each kind of which something is overdue. @param {{list: string, counts: Api["QueueCountsView"] | null}} props */
const OverdueKinds = ({ list, counts }) => {
  const kinds = KINDS.filter((kind) => counts?.waiting[kind]?.overdue && kind !== list);
  return kinds.length > 0 && html`<ul class="overdue-kinds">${kinds.map((kind) => html`
    <li key=${kind}><a href=${`#/queue?list=${kind}`}><${Overdue} text=${sayOverdue(kind, counts?.waiting[kind].overdue)} /></a></li>`)}</ul>`;
};

/** In one line: whom no doctor is in charge of, and the messages that wait.
 * @param {{messages: Api["WaitingView"][], filters: Record<string, string>, counts: Api["QueueCountsView"] | null}} props */
const Notes = ({ messages, filters, counts }) => {
  const unassigned = counts?.unassigned;
  if (messages.length === 0 && !unassigned?.spots) return null;
  return html`
    <p class="notes">
      ${unassigned && unassigned.spots > 0 && filters.list !== "unassigned" && html`<a class="without-doctor" href="#/queue?list=unassigned"><${Icon} name="referral" size=${16} /> ${sayUnassigned(unassigned)}</a>`}
      ${messages.length > 0 && html`<span class="hidden">${say("messagesUnread", { count: sayNumber(countUnread(messages)) })}</span>`}
      <${UnreadLinks} messages=${messages} filters=${filters} />
    </p>`;
};

/** Beside the list while no case is open: what the list is ordered by. @param {{list: string}} props */
const NothingOpen = ({ list }) => html`
  <div class="pane-empty">
    <h2>${say("noCaseOpen")}</h2>
    <p>${say(list === "telling" ? "tellingText" : isKind(list) ? "waitingOrder" : list === "reviewed" ? "reviewedOrder" : "queueOrder")}</p>
    <p class="keys">${say("keysHint")}</p>
  </div>`;

/** In place of an empty list. @param {{filters: Filters}} props */
const NothingListed = ({ filters: { list, urgency } }) => html`
  <${Empty} title=${say(!list && !urgency ? "queueEmpty" : "findingsEmpty")}>
    ${urgency ? html`<p>${say("noneOfUrgency")}</p>` : !list && html`<p>${say("queueEmptyText")}</p>`}
  <//>`;

/** Escape leaves a field, so that single keys work again: of a review for its form, where Enter signs, of a case for the case, else for the row that is marked. */
const useWayOut = () =>
  useEffect(() => {
    const leave = (/** @type {KeyboardEvent} */ event) => {
      const field = /** @type {HTMLElement} */ (event.target).closest("input, textarea, select");
      if (event.key !== "Escape" || event.isComposing || !field || field.closest("dialog")) return;
      /** @type {HTMLElement} */ (field).blur();
      /** @type {HTMLElement | null} */ (field.closest("#review, .case") ?? document.querySelector(".cases .current .cover"))?.focus({ preventScroll: true });
    };
    addEventListener("keydown", leave);
    return () => removeEventListener("keydown", leave);
  }, []);

/** What a key does to a case; the others open another one. */
const CASE_KEYS = "aedugynpbvlmst1234567890";

/** Keys of a case that is being signed or is not there yet: they do nothing, so that nobody answers a photo before it is shown, and the next case says so. @param {string} number */
const useEarlyKeys = (number) => {
  const [early, setEarly] = useState("");
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { key, target } = event;
      if (!number || event.ctrlKey || event.altKey || event.metaKey || /** @type {Element} */ (target).closest(TYPED_IN) || !(CASE_KEYS.includes(key) || key === "Enter")) return;
      if (document.querySelector("#review[aria-busy=false], .case .change, .case .take-patient, dialog[open]")) return setEarly("");
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!event.repeat) setEarly((before) => `${before} ${key}`.trim());
    };
    addEventListener("keydown", press, true);
    return () => removeEventListener("keydown", press, true);
  }, [number]);
  return early;
};

/** What is urgent and in nobody's care stands in the list of each doctor who may take it, behind what is urgent there;
 * no list is empty before that is known. @param {PagesOf<Found>} pages @param {{value?: Found[], error?: Failed}} answer @returns {PagesOf<Found>} */
function withNobodys(pages, { value, error }) {
  const nobodys = (value ?? []).map((one) => ({ ...one, nobodys: true }));
  if (pages.items?.length === 0 && !value && !error) return { ...pages, items: undefined };
  if (!pages.items || nobodys.length === 0) return pages;
  const at = pages.items.findIndex((one) => urgencyOf(one) !== URGENT && !isOpinion(one));
  const own = at < 0 ? pages.items.length : at;
  return { ...pages, items: [...pages.items.slice(0, own), ...nobodys, ...pages.items.slice(own)] };
}

/** What a spot waits for, as the finding to open for it; without a number if there is none. @param {Found | Api["WaitingRow"]} row @returns {Found} */
const foundOf = (row) => /** @type {Found} */ ("finding" in row ? { ...row.finding, ...row } : row);

/** What is listed, page by page, and the cursor in it. @param {Filters} filters @param {string} number the case that is open */
const useList = (filters, number) => {
  const { counted: turn, counts } = useWaiting();
  const mayHave = !filters.list && ["", URGENT].includes(filters.urgency);
  const nobodys = useAnswer(() => (mayHave ? get(pathOf({ list: "unassigned", urgency: URGENT })) : Promise.resolve([])), [mayHave, counts?.unassigned?.urgent]);
  /** @type {PagesOf<Found | Api["WaitingRow"]>} */
  const listed = usePages(pathOf(filters));
  const found = useMemo(() => listed.items?.map(foundOf), [listed.items]);
  const pages = withNobodys({ ...listed, items: found }, nobodys);
  useEffect(() => void pages.refresh().catch(() => {}), [turn]); // it is tried again with the next count
  const { items = [] } = pages;
  const byUrgency = !isKind(filters.list);
  const order = items.filter(({ id }) => id);
  const groups = byUrgency ? groupByPatient(items) : items.map((one) => [one]);
  const rows = groups.flat().filter(({ id }) => id);
  const { place, ...cursor } = useCursor(rows, Number(number), pathOf(filters));
  useEffect(() => {
    if (place >= 0 && rows.length - place < NEAR_END && pages.next && !pages.loading && !pages.error) pages.more();
  }, [place, rows.length, pages.loading]);
  return { pages, byUrgency, groups, order, rows, place, ...cursor };
};

/** The way from case to case, by buttons and keys.
 * @param {ReturnType<typeof useList>} list @param {string} number @param {Filters} filters @param {{current: HTMLElement | null}} frame of the list */
const useWay = ({ pages, order, rows, place, setChosen, before }, number, filters, frame) => {
  /** What was signed, until the list is read again. @type {{current: {number: string, items: Found[] | null}[]}} */
  const signed = useRef([]);
  const query = addressOf("", { ...filters });
  const { messages } = useWaiting();
  /** Whether there is one. @param {Found | undefined} found */
  const open = (found) => {
    if (found) goTo(`case/${found.id}${query}`);
    return Boolean(found);
  };
  const waits = (/** @type {Found} */ one) =>
    String(one.id) !== number && !signed.current.some((done) => done.number === String(one.id) && done.items === pages.items);
  const last = useRef(0); // where the open case stood, once it has left the list
  const at = order.findIndex((one) => String(one.id) === number);
  if (at >= 0) last.current = at;
  /** The next most urgent one, of whomever it is: the rows of one patient stand together only in the list. At its end, the first that waits. */
  const after = () => [...order.slice(at < 0 ? last.current : at + 1), ...order].find(waits);
  const openNext = () => {
    signed.current.push({ number, items: pages.items ?? null });
    return open(after());
  };
  /** @param {boolean} [done] nothing is left to do with this one */
  const goOn = (done = false) => {
    if (!pages.items || (done ? openNext() : open(after()))) return; // without them it is not known yet which is next
    toast(say("queueEmpty"));
    goTo(`queue${query}`);
  };
  const prepareNext = () => {
    const found = after();
    if (found) prepareCase(String(found.id));
  };
  const move = (/** @type {1 | -1} */ by) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, place + by))];
    if (!row) return;
    setChosen(row.id);
    /** @type {HTMLElement | null | undefined} */ (frame.current?.querySelector(`[data-number="${row.id}"]`))?.focus();
  };
  const openMarked = () => void open(rows[place]);
  useKeys({
    j: () => (number ? goOn() : move(1)),
    k: () => (number ? void open(before()) : move(-1)),
    ...(!number && { o: openMarked, Enter: openMarked }), // in a case Enter signs
    i: () => messages[0] && goTo(placeOfConversation(messages[0], filters)),
  });
  return { goOn, openNext, prepareNext };
};

/** @param {{conditions: Api["ConditionsView"], number: string, at: string, filters: Filters}} props */
const Workspace = ({ conditions, number, at, filters }) => {
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const list = useList(filters, number);
  const { goOn, openNext, prepareNext } = useWay(list, number, filters, frame);
  const { messages, counts } = useWaiting();
  const query = addressOf("", { ...filters });
  const early = useEarlyKeys(number);
  useWayOut();
  useEffect(() => frame.current?.querySelector(".current")?.scrollIntoView({ block: "nearest" }), [list.cursor]);
  /** The case stays open: it need not be in the list. @param {Partial<Filters>} changed */
  const placeOf = (changed) => `${number ? `case/${number}` : "queue"}${addressOf("", { ...filters, ...changed })}`;
  return html`
    <div class=${`workspace${number ? " open" : ""}`}>
      <section class="cases" ref=${frame} aria-label=${say("title_queue")}
        onfocusin=${(/** @type {On<FocusEvent>} */ { target }) => !number && target.dataset.number && list.setChosen(Number(target.dataset.number))}>
        <h1><span class="hidden">${say("title_queue")}</span></h1>
        ${!number && html`<${FoldedKeys} named=${false} />`}
        <${Filter} filters=${filters} counts=${counts} conditions=${conditions} onChange=${(/** @type {Partial<Filters>} */ changed) => goTo(placeOf(changed))} />
        ${!number && html`<${OverdueKinds} list=${filters.list} counts=${counts} />`}
        <${Notes} messages=${messages} filters=${filters} counts=${counts} />
        <${Pages} pages=${list.pages} empty=${html`<${NothingListed} filters=${filters} />`}>
          ${() => html`<${FindingRows} groups=${list.groups} conditions=${conditions} cursor=${list.cursor} query=${query}
            headed=${list.byUrgency} more=${Boolean(list.pages.next)} />`}
        <//>
      </section>
      <section class="pane" aria-label=${say("title_case")}>
        ${number
          ? html`<${Case} key=${number} number=${number} early=${early} back=${`#/queue${query}`} wanted=${at === "messages" || filters.list === "answer"} onNext=${goOn} openNext=${openNext}
              onBegin=${prepareNext} onChanged=${() => askWhatWaits().catch(() => {})} />`
          : list.rows.length > 0 && html`<${NothingOpen} list=${filters.list} />`}
      </section>
    </div>`;
};

export const View = (/** @type {{argument: string, filters: URLSearchParams}} */ { argument, filters }) => html`
  <${Load} ask=${getConditions}>
    ${(/** @type {Api["ConditionsView"]} */ table) => html`<${Workspace} conditions=${table} number=${/^\d+$/.test(argument) ? argument : ""} at=${filters.get("at") ?? ""}
      filters=${filtersOf(filters, table)} />`}
  <//>`;
