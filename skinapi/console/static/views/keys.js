// @ts-check
// A person's own keys, with which programs do what this person may.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getSession, remove } from "/console/api.js";
import { Answer, toast, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
import { KeyList, NewKey } from "/console/views/key_list.js";

const FINDINGS = ["findings:write", "findings:read", "fhir", "dicom"];
/** What a role can do with a key, besides its own findings. @type {Record<string, string[]>} */
const MORE = { researcher: ["lab"], admin: ["lab", "audit:read"] };

export const View = () => {
  const keys = useAnswer(() => get("/keys"), []);
  /** @param {Api["KeyView"]} key */
  const revoke = async ({ _id }) => {
    await remove(apiPath`/keys/${_id}`);
    toast(say("keyRevokedNow"));
    keys.reload();
  };
  return html`
    <h1>${say("title_keys")}</h1>
    <p>${say("keysText")}${" "}<a href="/docs">${say("nav_docs")}</a></p>
    <${NewKey} path="/keys" kinds scopes=${[...FINDINGS, ...(MORE[getSession()?.role ?? ""] ?? [])]} onMade=${keys.reload} />
    <${Answer} answer=${keys}>${(/** @type {Api["KeyView"][]} */ found) => html`<${KeyList} keys=${found} onRevoke=${revoke} />`}<//>`;
};
