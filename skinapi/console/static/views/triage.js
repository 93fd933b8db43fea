// The operating point: what each costs, which one is in use, and how an admin chooses another.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, getSession, put } from "/console/api.js";
import { Confirm, Icon, Load, Message, toast } from "/console/components.js";
import { say, sayNumber, sayValue } from "/console/language.js";
import { nameOfKind } from "/console/views/model.js";

const PATH = "/models/operating-point";

/** @typedef {Api["Share"]} Share */
/** @typedef {Api["OperatingPointView"]["points"][number]} Point */
/** @typedef {Point["kinds"][number]} Kind */

/** Of 100. @param {number} share */
const of100 = (share) => Math.round(100 * share);

/** Whole numbers from one to another, in words. @param {number} low @param {number} high */
function sayRange(low, high) {
  if (high === 0) return say("fewerThanOne");
  if (low === high) return sayNumber(low);
  return say(high - low === 1 ? "thisOrThat" : "fromTo", { low: sayNumber(low), high: sayNumber(high) });
}

/** A share of 100 with its interval. @param {Share} share */
const sayShare = ({ share, low, high }) => ({ n: sayNumber(of100(share)), range: sayRange(of100(low), of100(high)) });

/** How many of 100 are not in the share. @param {Share} share */
const sayRest = ({ low, high }) => sayRange(of100(1 - high), of100(1 - low));

/** What happens, in a row, at each point: the figure and its range. @type {[WordKey, (kind: Kind) => Cell][]} */
const ROWS = [
  ["rowSpared", ({ benign_spared_share: share }) => share && sayShare(share)],
  ["rowUrgent", ({ benign_urgent_share: share }) => share && sayShare(share)],
  ["rowMelanomas", ({ melanomas_sent_share: share }) => share && { range: sayRest(share) }],
  ["rowCancers", ({ malignant_sent_share: share }) => share && { range: sayRest(share) }],
];

/** @typedef {{n?: string, range: string} | null} Cell */
/** @param {Cell[]} cells */
const differ = (cells) => new Set(cells.map((cell) => cell && (cell.n ?? cell.range))).size > 1;

/** One thing that happens, where the points differ in it. @param {{word: WordKey, cells: Cell[], used: number}} props */
const PriceRow = ({ word, cells, used }) =>
  differ(cells) && html`<tr><th scope="row">${say(word)}</th>
    ${cells.map((cell, at) => html`<td class=${at === used ? "used" : null}><strong>${cell?.n ?? cell?.range ?? "–"}</strong>${cell?.n && html` <small>(${cell.range})</small>`}</td>`)}</tr>`;

/** What happens, a row each, at each point, a column each. @param {{points: Point[], chosen: string, conditions: Api["ConditionsView"], onAsk: ((point: Point) => void) | null}} props */
const Prices = ({ points, chosen, conditions, onAsk }) => {
  const table = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(chosen);
  const used = points.findIndex(({ point }) => point === chosen);
  useEffect(() => {
    if (before.current === chosen) return;
    before.current = chosen;
    // The button that was pressed is gone: a keyboard goes on at the point that was chosen.
    /** @type {HTMLElement | null | undefined} */ (table.current?.querySelector("[aria-current]"))?.focus({ preventScroll: true });
  }, [chosen]);
  /** @param {string} modality @param {typeof ROWS[number][1]} read */
  const cellsOf = (modality, read) => points.map(({ kinds }) => {
    const kind = kinds.find((one) => one.modality === modality);
    return kind ? read(kind) : null;
  });
  const kinds = (points.find((point) => point.kinds.length > 0)?.kinds ?? []).filter(({ modality }) => ROWS.some(([, read]) => differ(cellsOf(modality, read))));
  return html`
    <table class="triage" ref=${table}>
      <thead><tr><td></td>${points.map(({ point }, at) => html`
        <th scope="col" class=${at === used ? "used" : null} aria-current=${at === used ? "true" : null} tabindex=${at === used ? -1 : null}><span class="kind">${sayValue("point", point)}</span>${at === used && html` <span class="badge state-serving"><${Icon} name="check" size=${16} />${say("pointUsed")}</span>`}</th>`)}</tr></thead>
      ${kinds.map(({ modality }) => html`<tbody>
        <tr><th scope="rowgroup" class="kind" colspan=${points.length + 1}>${nameOfKind(conditions, modality)}</th></tr>
        ${ROWS.map(([word, read]) => html`<${PriceRow} word=${word} used=${used} cells=${cellsOf(modality, read)} />`)}</tbody>`)}
      ${onAsk && html`<tfoot><tr><td></td>${points.map((point, at) => html`<td class=${at === used ? "used" : null}>${at !== used && html`<button aria-label=${`${say("choosePoint")} ${sayValue("point", point.point)}`} onClick=${() => onAsk(point)}>${say("choosePoint")}</button>`}</td>`)}</tr></tfoot>`}
    </table>
    ${kinds.length === 0 && html`<p>${say("noPrice")}</p>`}`;
};

/** @param {{before: Point | undefined, point: Point, conditions: Api["ConditionsView"], onDone: () => void, onClose: () => void}} props */
const Question = ({ before, point, conditions, onDone, onClose }) => {
  const name = sayValue("point", point.point).replace(/^./, (first) => first.toLocaleUpperCase());
  const choose = async () => {
    await put(PATH, { operating_point: point.point });
    toast(say("pointChosen", { name }));
    onDone();
  };
  return html`
    <${Confirm} title=${say("choosePointTitle", { name })} confirm=${say("choosePoint")} kind="primary" onConfirm=${choose} onClose=${onClose}>
      <p>${say("choosePointText")}</p>
      <${Prices} points=${[before, point].filter(Boolean)} chosen=${before?.point ?? ""} conditions=${conditions} onAsk=${null} />
    <//>`;
};

/** @param {{answer: Api["OperatingPointView"], conditions: Api["ConditionsView"], onChange: () => void}} props */
const Points = ({ answer, conditions, onChange }) => {
  const [asked, setAsked] = useState(/** @type {Point | null} */ (null));
  const { operating_point: chosen, has_points: known, model_version: version } = answer;
  const isAdmin = getSession()?.role === "admin";
  if (!known) return html`<${Message}>${say("noPoints", { version })} <code>python -m skinapi calibrate</code><//>`;
  return html`
    <${Prices} points=${answer.points} chosen=${chosen} conditions=${conditions} onAsk=${isAdmin ? setAsked : null} />
    <p>${say("priceElsewhere")}</p>
    ${["admin", "doctor"].includes(getSession()?.role ?? "") && html`<p><a class="button" href="#/outcomes">${say("title_outcomes")}</a></p>`}
    ${asked && html`<${Question} before=${answer.points.find(({ point }) => point === chosen)} point=${asked} conditions=${conditions} onDone=${onChange} onClose=${() => setAsked(null)} />`}`;
};

export const View = () => html`
  <h1>${say("title_triage")}</h1>
  <p>${say("triageText")}</p>
  <${Load} ask=${() => Promise.all([get(PATH), getConditions()])}>
    ${(/** @type {[Api["OperatingPointView"], Api["ConditionsView"]]} */ [found, conditions], /** @type {() => void} */ reload) => html`
      <${Points} answer=${found} conditions=${conditions} onChange=${reload} />`}
  <//>`;
