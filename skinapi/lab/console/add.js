// "Add a data set": pictures with their labels are chosen, described and sent.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { get, newKey, post } from "/console/api.js";
import { Chips, DropArea, Failure, Field, filesOf as plainFilesOf, Icon, Message, sayError, useAnswer } from "/console/components.js";
import { colon, isolated, say, sayBytes, sayNumber, sayValue } from "/console/language.js";
import { tarOf } from "./tar.js";
import { startTransfer, TransferStatus, useTransfer } from "./transfer.js";

/** @typedef {import("./tar.js").ChosenFile} ChosenFile */
/** What is said about a data set. @typedef {{name: string, licence: string, source: string, modality: string | null}} Said */

const KINDS = ["dermoscopic", "clinical"];
const TABLE = /\.csv$/i;
const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;
const USED = /\.(jpe?g|png|webp|csv|zip|tar|tgz|tar\.gz)$/i;
const SKIPPED = /(^|\/)(\.|__macosx\/|thumbs\.db$|desktop\.ini$)/i;
const ACCEPTED = ".jpg,.jpeg,.png,.webp,.csv,.zip,.tar,.tgz,.tar.gz";

const isArchive = (/** @type {string} */ path) => ARCHIVE.test(path);

/** Whether a file can be a part of a data set. @param {ChosenFile} chosen */
const isUsed = ({ path, file }) => USED.test(path) && !SKIPPED.test(path) && file.size > 0;

/** Archives as they are, all other files in one of ours: so a folder of thousands is one upload. @param {ChosenFile[]} chosen */
function pack(chosen) {
  const pieces = chosen.filter(({ path }) => isArchive(path)).map(({ file }) => ({ name: file.name, bytes: /** @type {Blob} */ (file) }));
  const loose = chosen.filter(({ path }) => !isArchive(path));
  if (loose.length > 0) pieces.push({ name: "files.tar", bytes: tarOf(loose) });
  return pieces;
}

/** Upload the files, and have a data set made of them. @param {ChosenFile[]} chosen @param {Said} said */
function sendDataset(chosen, said) {
  const key = newKey(); // one for all attempts: after a lost answer the request makes no second data set
  startTransfer(pack(chosen), {
    name: said.name,
    sayFault: (error) => (error?.status === 413 ? sayValue("refused", "payload_too_large") : sayError(error)), // the general words are about a photo
    use: async (uploads) => `dataset/${(await post("/datasets", { ...said, uploads }, key)).id}`,
  });
}

/** @typedef {FileSystemFileEntry & FileSystemDirectoryEntry} Entry one of them, as its `isFile` says */

/** The files of a folder that was dropped, or the file. @param {Entry} entry @param {string} [folder] @returns {Promise<ChosenFile[]>} */
async function filesOf(entry, folder = "") {
  const path = `${folder}${entry.name}`;
  if (entry.isFile) return [{ path, file: await new Promise((found, failed) => entry.file(found, failed)) }];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ read, failed) => reader.readEntries(read, failed));
    if (some.length === 0) return found;
    for (const one of some) found.push(...(await filesOf(/** @type {Entry} */ (one), `${path}/`)));
  }
}

/** What was dropped or chosen. @param {FilesEvent} event @returns {Promise<ChosenFile[]>} */
async function filesIn(event) {
  const entries = /** @type {Entry[]} */ ([...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter(Boolean));
  if (entries.length > 0) return (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
  return plainFilesOf(event).map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

const Choose = (/** @type {{onFiles: (found: ChosenFile[]) => void, small: boolean}} */ { onFiles, small }) => html`
  <${DropArea} small=${small} onTake=${async (/** @type {FilesEvent} */ event) => onFiles(await filesIn(event))}>
    ${(/** @type {unknown} */ take) => html`
      ${!small && html`<${Icon} name="upload" size=${40} />`}
      <p>${say(small ? "dropMore" : "dropFiles")}</p>
      <div class="row center">
        <label class=${small ? "button" : "button primary"}><${Icon} name="file" />${say("chooseFiles")}
          <input type="file" name="files" multiple accept=${ACCEPTED} onChange=${take} /></label>
        <label class="button"><${Icon} name="folder" />${say("chooseFolder")}
          <input type="file" name="folder" webkitdirectory onChange=${take} /></label>
      </div>
      ${!small && html`<ul class="advice"><li>${say("layout1")}</li><li>${say("layout2")} <code>image_id, label</code></li>
        <li>${say("layout3")} <code>lesion_id, patient_id</code></li></ul>`}`}
  <//>`;

/** What was chosen, in numbers. @param {{chosen: ChosenFile[], skipped: number, onClear: () => void}} props */
const Chosen = ({ chosen, skipped, onClear }) => {
  const archives = chosen.filter(({ path }) => isArchive(path)).length;
  const tables = chosen.filter(({ path }) => TABLE.test(path)).length;
  const pictures = chosen.length - archives - tables;
  const counts = [
    pictures > 0 && `${say("picturesCount")}${colon()}${sayNumber(pictures)}`,
    tables > 0 && say("nTables", { n: sayNumber(tables) }),
    archives > 0 && say("nArchives", { n: sayNumber(archives) }),
  ];
  const bytes = chosen.reduce((sum, { file }) => sum + file.size, 0);
  return html`
    <div class="card chosen row between" role="status">
      <div><strong>${counts.filter(Boolean).join(", ")}</strong>
        <small>${sayBytes(bytes)}${chosen.length === 1 && html` · ${isolated(chosen[0].path)}`}
          ${skipped > 0 && html` · ${say("filesLeftOut", { n: sayNumber(skipped) })}`}</small></div>
      <button type="button" class="quiet" onClick=${onClear}>${say("chooseAnew")}</button>
    </div>`;
};

/** A name to begin with: of the folder, or of the archive. @param {ChosenFile[]} chosen */
function offeredName(chosen) {
  const [first] = chosen;
  if (!first) return "";
  const parts = first.path.split("/");
  return (parts.length > 1 ? parts[0] : isArchive(first.path) ? first.path.replace(/\.(zip|tar|tgz|tar\.gz)$/i, "") : "").slice(0, 100);
}

const About = (/** @type {{chosen: ChosenFile[]}} */ { chosen }) => {
  const [error, setError] = useState("");
  const offered = offeredName(chosen);
  const send = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const said = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const [name, licence, source] = ["name", "licence", "source"].map((field) => String(said.get(field)).trim());
    if (!name) setError(say("nameNeeded"));
    else sendDataset(chosen, { name, licence, source, modality: String(said.get("modality")) || null });
  };
  return html`
    <form class="card" onSubmit=${send} novalidate>
      <${Field} label=${say("name")} name="name" hint=${say("datasetNameHint")} error=${error} maxlength="100"
        autocomplete="off" defaultValue=${offered} key=${offered} onInput=${() => setError("")} />
      <${Field} label=${say("licence")} name="licence" hint=${say("licenceHint")} maxlength="200" autocomplete="off" />
      <${Field} label=${say("source")} name="source" hint=${say("sourceHint")} maxlength="200" autocomplete="off" />
      <${Chips} name="modality" title=${say("modality")} hint=${say("modalityHint")} chosen=""
        options=${[["", say("notSaid")], ...KINDS.map((kind) => [kind, sayValue("kind", kind)])]} />
      <button class="primary">${say("uploadDataset")}</button>
    </form>`;
};

export const View = () => {
  const transfer = useTransfer();
  const [chosen, setChosen] = useState(/** @type {ChosenFile[]} */ ([]));
  const [skipped, setSkipped] = useState(0);
  const [empty, setEmpty] = useState(false);
  const allowed = useAnswer(() => get("/datasets?limit=1"), []); // an ended session asks for the login before the upload
  const add = (/** @type {ChosenFile[]} */ found) => {
    const used = found.filter(isUsed);
    const paths = new Set(used.map(({ path }) => path));
    setChosen([...chosen.filter(({ path }) => !paths.has(path)), ...used]);
    setSkipped(skipped + found.length - used.length);
    setEmpty(used.length === 0 && chosen.length === 0);
  };
  if (allowed.error) return html`<${Failure} error=${allowed.error} retry=${allowed.reload} />`;
  if (transfer) return html`<h1>${say("title_add")}</h1><${TransferStatus} transfer=${transfer} />`;
  return html`
    <h1>${say("title_add")}</h1>
    ${empty && html`<${Message} kind="bad">${say("noFilesUsed")}<//>`}
    ${chosen.length > 0 && html`<${Chosen} chosen=${chosen} skipped=${skipped} onClear=${() => (setChosen([]), setSkipped(0))} />`}
    <${Choose} onFiles=${add} small=${chosen.length > 0} />
    ${chosen.length > 0 && html`<${About} chosen=${chosen} />`}`;
};
