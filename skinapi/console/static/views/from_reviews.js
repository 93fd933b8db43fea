// @ts-check
// A data set of what doctors have reviewed here, of patients who consent to it.

import { html, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { ApiError, post } from "/console/api.js";
import { Confirm, Field } from "/console/components.js";
import { say, sayNumber, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";

/** Whose word counts; the first is taken where nothing is chosen. */
const LABELS_FROM = ["reviews", "histology"];

/** @param {{onClose: () => void}} props */
const Question = ({ onClose }) => {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [fault, setFault] = useState("");
  const make = async () => {
    const said = new FormData(/** @type {HTMLFormElement} */ (form.current));
    const [name, licence] = ["name", "licence"].map((field) => String(said.get(field)).trim());
    setFault(name ? "" : say("nameNeeded"));
    if (!name) throw new ApiError(400, "name", say("nameNeeded"));
    const made = await post("/datasets/from-reviews", { name, licence, labels_from: said.get("labels_from") });
    goTo(`dataset/${made.id}`);
  };
  return html`
    <${Confirm} title=${say("fromReviews")} confirm=${say("makeDataset")} kind="primary" onConfirm=${make} onClose=${onClose}>
      <p>${say("fromReviewsText")}</p>
      <form ref=${form} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <${Field} label=${say("name")} name="name" hint=${say("datasetNameHint")} error=${fault} maxlength="100" autocomplete="off" />
        <fieldset>
          <legend>${say("labelsFrom")}</legend>
          ${LABELS_FROM.map(
            (source) => html`<label class="tick"><input type="radio" name="labels_from" value=${source} defaultChecked=${source === LABELS_FROM[0]} />
              ${sayValue("from", source)}</label>`,
          )}
        </fieldset>
        <${Field} label=${say("licence")} name="licence" maxlength="200" autocomplete="off" />
      </form>
    <//>`;
};

export const FromReviews = () => {
  const [asked, setAsked] = useState(false);
  return html`
    <button onClick=${() => setAsked(true)}>${say("fromReviews")}</button>
    ${asked && html`<${Question} onClose=${() => setAsked(false)} />`}`;
};

/** What of the reviewed findings was taken, and what was not. @param {{reviews: NonNullable<DatasetReport["reviews"]>}} props */
export const TakenFromReviews = ({ reviews }) => html`
  <section class="card">
    <h2>${say("takenFromReviews")}</h2>
    <p>${sayValue("from", reviews.labels_from)}.</p>
    <dl class="pairs">
      <dt>${say("reviewedFindings")}</dt><dd>${sayNumber(reviews.reviewed)}</dd>
      <dt>${say("takenFindings")}</dt><dd>${sayNumber(reviews.taken)}</dd>
      <dt>${say("withHistology")}</dt><dd>${sayNumber(reviews.with_histology)}</dd>
      ${Object.entries(reviews.left_out).map(([reason, n]) => html`<dt>${sayValue("untaken", reason)}</dt><dd>${sayNumber(n)}</dd>`)}
    </dl>
    ${reviews.dropped && reviews.dropped.erased > 0 && html`<p>${say("droppedText", { version: reviews.dropped.version, erased: sayNumber(reviews.dropped.erased), withdrawn: sayNumber(reviews.dropped.withdrawn) })}</p>`}
  </section>`;
