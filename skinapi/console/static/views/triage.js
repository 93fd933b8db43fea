// @ts-check
// The operating point: what each costs, which one is in use, and how an admin chooses another.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, getConditions, getSession, put } from "/console/api.js";
import { Answer, Confirm, Icon, Message, toast, useAnswer } from "/console/components.js";
import { say, sayNumber, sayValue } from "/console/language.js";
import { nameOfKind } from "/console/views/model.js";

const PATH = "/models/operating-point";

/** @typedef {{share: number, low: number, high: number}} Share */
/** @typedef {{modality: string, malignant: number, benign: number, melanomas: number, benign_spared_share: Share | null,
 *   benign_urgent_share: Share | null, malignant_sent_share: Share | null, melanomas_sent_share: Share | null}} Kind */
/** @typedef {{point: string, kinds: Kind[]}} Point */

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

/** @param {{kind: Kind, conditions: Api["ConditionsView"]}} props */
const PriceOfKind = ({ kind, conditions }) => {
  const { benign_spared_share: spared, benign_urgent_share: urgent, malignant_sent_share: sent, melanomas_sent_share: melanomas } = kind;
  return html`
    <h3 class="kind">${nameOfKind(conditions, kind.modality)}</h3>
    <ul>
      ${spared && html`<li>${say("priceSpared", sayShare(spared))}</li>`}
      ${urgent && html`<li>${say("priceUrgent", sayShare(urgent))}</li>`}
      ${melanomas && html`<li>${say("priceMelanomas", { range: sayRest(melanomas) })}</li>`}
      ${sent && html`<li>${say("priceCancers", { range: sayRest(sent) })}</li>`}
    </ul>`;
};

/** On how many lesions the price was counted: the same at every point. @param {{points: Point[], conditions: Api["ConditionsView"]}} props */
const Counted = ({ points, conditions }) => {
  const kinds = points.find((point) => point.kinds.length > 0)?.kinds ?? [];
  if (kinds.length === 0) return null;
  return html`<p><small>${say("priceCounted")}
    ${kinds.map((kind) => {
      const { modality, benign, malignant, melanomas } = kind;
      const counts = { benign: sayNumber(benign), malignant: sayNumber(malignant), melanomas: sayNumber(melanomas) };
      return ` ${say("priceLesions", { kinds: nameOfKind(conditions, modality), ...counts })}`;
    })} ${say("priceElsewhere")}</small></p>`;
};

/** @param {{point: Point, conditions: Api["ConditionsView"]}} props */
const Price = ({ point, conditions }) =>
  point.kinds.length === 0
    ? html`<p>${say("noPrice")}</p>`
    : point.kinds.map((kind) => html`<${PriceOfKind} kind=${kind} conditions=${conditions} />`);

/** @param {{point: Point, conditions: Api["ConditionsView"], onDone: () => void, onClose: () => void}} props */
const Question = ({ point, conditions, onDone, onClose }) => {
  const name = sayValue("point", point.point);
  const choose = async () => {
    await put(PATH, { operating_point: point.point });
    toast(say("pointChosen", { name }));
    onDone();
  };
  return html`
    <${Confirm} title=${say("choosePointTitle", { name })} confirm=${say("choosePoint")} kind="primary" onConfirm=${choose} onClose=${onClose}>
      <p>${say("choosePointText")}</p>
      <${Price} point=${point} conditions=${conditions} />
    <//>`;
};

/** @param {{answer: Api["OperatingPointView"], conditions: Api["ConditionsView"], onChange: () => void}} props */
const Points = ({ answer, conditions, onChange }) => {
  const [asked, setAsked] = useState(/** @type {Point | null} */ (null));
  const { operating_point: chosen, chosen_by: by, has_points: known, model_version: version } = answer;
  const isAdmin = getSession()?.role === "admin";
  const cards = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(chosen);
  useEffect(() => {
    if (before.current === chosen) return;
    before.current = chosen;
    // The button that was pressed is gone: a keyboard goes on at the point that was chosen.
    /** @type {HTMLElement | null | undefined} */ (cards.current?.querySelector("[aria-current]"))?.focus({ preventScroll: true });
  }, [chosen]);
  if (!known) return html`<${Message}>${say("noPoints", { version })} <code>python -m skinapi calibrate</code><//>`;
  return html`
    <p>${say(by === "admin" ? "pointByAdmin" : "pointBySetting")} ${isAdmin && html`${say("pointTrail")} <a href="#/audit">${say("title_audit")}</a>`}</p>
    <div class="triage" ref=${cards}>
      ${answer.points.map((/** @type {Point} */ point) => {
        const used = point.point === chosen;
        return html`<section class="card" aria-current=${used ? "true" : null} tabindex=${used ? -1 : null}>
          <h2 class="kind">${sayValue("point", point.point)}${used && html` <span class="badge state-serving"><${Icon} name="check" size=${16} />${say("pointUsed")}</span>`}</h2>
          <p>${sayValue("pointText", point.point)}</p>
          <${Price} point=${point} conditions=${conditions} />
          ${isAdmin && !used && html`<button onClick=${() => setAsked(point)}>${say("choosePoint")}</button>`}
        </section>`;
      })}
    </div>
    <${Counted} points=${answer.points} conditions=${conditions} />
    ${["admin", "doctor"].includes(getSession()?.role ?? "") && html`<p><a class="button" href="#/outcomes">${say("curveTitle")}</a></p>`}
    ${asked && html`<${Question} point=${asked} conditions=${conditions} onDone=${onChange} onClose=${() => setAsked(null)} />`}`;
};

export const View = () => {
  const answer = useAnswer(() => Promise.all([get(PATH), getConditions()]), []);
  return html`
    <h1>${say("title_triage")}</h1>
    <p class="lead">${say("triageText")}</p>
    <${Answer} answer=${answer}>
      ${(/** @type {[Api["OperatingPointView"], Api["ConditionsView"]]} */ [found, conditions]) => html`<${Points} answer=${found} conditions=${conditions} onChange=${answer.reload} />`}
    <//>`;
};
