// @ts-check
// "Import a model": a network of one's own is chosen, described and sent; a job makes a version of it.

import { html, useEffect, useRef, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getConditions, getPage, post } from "/console/api.js";
import { Field, Icon, Load, Message, useAct } from "/console/components.js";
import { isolated, said, say, sayBytes, sayValue } from "/console/language.js";
import { goTo } from "/console/navigation.js";
import { DropArea, filesOf } from "/console/views/drop_area.js";
import { IfInstalled } from "/console/views/lab.js";
import { sayImportFault } from "/console/views/import_asked.js";
import { faultOfLabels, Labels, offeredLabels } from "/console/views/output_labels.js";
import { startTransfer } from "/console/views/transfer.js";
import { TransferStatus, useTransfer } from "/console/views/transfer_status.js";

const ACCEPTED = ".keras,.h5";
const SUFFIX = /\.(keras|h5)$/i;
/** The first is that of ResNet50, the network that is trained here first. */
const SCALINGS = ["caffe", "torch", "tf", "raw"];
const SIDES = { from: 32, to: 1024 };
const NEWEST_JOBS = 30;

/** What the API is asked for, besides the upload. @typedef {{labels: string[], scaling: string, side?: number, licence?: string}} Asked */
/** The job whose import is asked for anew, and its upload while that is kept. @typedef {{request: AskedOf["import"], upload: Api["UploadView"] | null}} Before */

/**
 * The place of the job that imports this upload. After a lost answer the first request may have begun one.
 * @param {string} upload @param {Asked} asked
 */
async function beginImport(upload, asked) {
  const { items } = await getPage(`/jobs?limit=${NEWEST_JOBS}`);
  const begun = items.find(({ request, status }) => request.upload === upload && status !== "failed" && status !== "cancelled");
  return `job/${(begun ?? (await post("/models", { upload, ...asked }))).id}`;
}

/** @param {File} file @param {Asked} asked */
const send = (file, asked) =>
  startTransfer([{ name: file.name, bytes: file }], {
    name: file.name,
    view: "import",
    arrived: "sentForImport",
    sayFault: sayImportFault,
    use: ([upload]) => beginImport(upload, asked),
  });

/** What is wrong with the file, or nothing. @param {File | null} file */
function faultOfFile(file) {
  if (!file) return say("networkNeeded");
  if (!SUFFIX.test(file.name)) return say("networkEnding");
  return file.size > 0 ? "" : say("networkEmpty");
}

/** What is wrong with the side, or nothing. @param {string} text */
function faultOfSide(text) {
  const side = Number(text);
  const fits = text === "" || (Number.isInteger(side) && side >= SIDES.from && side <= SIDES.to);
  return fits ? "" : say("wholeNumberBetween", { from: String(SIDES.from), to: String(SIDES.to) });
}

/** The file, by its button or dropped. @param {{file: File | null, error: string, onFile: (file: File) => void}} props */
const ChooseFile = ({ file, error, onFile }) => html`
  <${DropArea} small onTake=${(/** @type {FilesEvent} */ event) => filesOf(event).slice(0, 1).forEach(onFile)}>
    ${(/** @type {unknown} */ take) => html`
      <p>${say("dropNetwork")}</p>
      <label class="button"><${Icon} name="file" />${say("chooseNetwork")}
        <input type="file" name="network" accept=${ACCEPTED} onChange=${take} aria-invalid=${error ? "true" : null}
          aria-describedby=${error ? "network-hint network-fault" : "network-hint"} /></label>
      <div role="status">${file && html`<strong>${isolated(file.name)}</strong> <small>${sayBytes(file.size)}</small>`}</div>
      <small id="network-hint">${say("networkHint")}</small>
      ${error && html`<small class="failed" id="network-fault">${error}</small>`}`}
  <//>`;

/** @param {{first: string}} props */
const Scaling = ({ first }) => html`
  <fieldset>
    <legend>${say("scaling")}</legend>
    <small>${say("scalingHint")}</small>
    ${SCALINGS.map((one) => html`<label class="tick"><input type="radio" name="scaling" value=${one} defaultChecked=${one === first} />
      <span><code>${one}</code><small>${sayValue("scaling", one)}</small></span></label>`)}
  </fieldset>`;

/** @param {{conditions: Api["ConditionsView"], before: Before | null}} props */
const ImportForm = ({ conditions, before }) => {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [labels, setLabels] = useState(/** @type {string[]} */ (offeredLabels(conditions, before?.request.labels)));
  const [faults, setFaults] = useState({ network: "", label: "", side: "" });
  const { run, busy, error, setError } = useAct();
  const upload = before?.upload;
  const start = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const said = new FormData(/** @type {HTMLFormElement} */ (form.current));
    const [scaling, side, licence] = ["scaling", "side", "licence"].map((name) => String(said.get(name)).trim());
    const found = { network: upload ? "" : faultOfFile(file), label: faultOfLabels(conditions, labels), side: faultOfSide(side) };
    setFaults(found);
    setError(null);
    const wrong = Object.entries(found).find(([, fault]) => fault);
    if (wrong) return void /** @type {HTMLElement | null} */ (form.current?.querySelector(`[name^=${wrong[0]}]`))?.focus();
    const asked = { labels, scaling, ...(side && { side: Number(side) }), ...(licence && { licence }) };
    if (!upload) return send(/** @type {File} */ (file), asked);
    await run(async () => goTo(await beginImport(upload.id, asked)));
  };
  return html`
    <form class="card" ref=${form} onSubmit=${start} novalidate>
      ${upload
        ? html`<p><strong>${isolated(upload.name)}</strong> <small>${sayBytes(upload.size)}</small><br />${say("networkIsThere")}</p>`
        : html`<${ChooseFile} file=${file} error=${faults.network} onFile=${(/** @type {File} */ found) => {
            setFile(found);
            setFaults({ ...faults, network: faultOfFile(found) });
          }} />`}
      <${Labels} labels=${labels} conditions=${conditions} error=${faults.label} onChange=${(/** @type {string[]} */ next) => {
        setLabels(next);
        setFaults({ ...faults, label: "" });
      }} />
      <${Scaling} first=${before?.request.scaling ?? SCALINGS[0]} />
      <${Field} name="side" label=${say("inputSide")} hint=${say("inputSideHint")} error=${faults.side} inputmode="numeric" autocomplete="off"
        defaultValue=${before?.request.side ?? ""} onInput=${() => setFaults({ ...faults, side: "" })} />
      <${Field} name="licence" label=${say("licence")} hint=${say("networkLicenceHint")} maxlength="200" autocomplete="off"
        defaultValue=${before?.request.licence ?? ""} />
      ${error && html`<${Message} kind="bad">${sayImportFault(error)}<//>`}
      <button class="primary" disabled=${busy}>${say(busy ? "sending" : upload ? "importAgain" : "uploadAndImport")}</button>
    </form>`;
};

/** @param {string} job @returns {Promise<Before | null>} */
async function readBefore(job) {
  if (!job) return null;
  const { request } = await get(apiPath`/jobs/${job}`);
  const upload = await get(apiPath`/uploads/${request.upload ?? ""}`).catch((error) => {
    if (error.status !== 404) throw error;
    return null; // it expired: the file has to be chosen again
  });
  return { request, upload };
}

/** @param {{argument: string}} props the job of an import that is asked for anew, or nothing */
export const View = ({ argument }) => {
  const transfer = useTransfer();
  useEffect(() => void get("/me").catch(() => {}), []); // an ended session asks for the login before the upload
  if (transfer) return html`<h1>${say("title_import")}</h1><${TransferStatus} transfer=${transfer} />`;
  return html`
    <h1>${say("title_import")}</h1>
    <p>${say("importText")}</p>
    <${IfInstalled}><${Load} ask=${() => Promise.all([getConditions(), readBefore(argument)])}>
      ${(/** @type {[Api["ConditionsView"], Before | null]} */ [conditions, before]) => html`<${ImportForm} conditions=${conditions} before=${before} />`}
    <//><//>`;
};
