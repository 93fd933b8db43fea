// @ts-check
// The keys of all programs, for admins: those of the clinic are made here, and any is revoked.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, remove } from "/console/api.js";
import { Empty, toast, useAnswer } from "/console/components.js";
import { say } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { getDoctors } from "/console/views/account_actions.js";
import { KeyList, NewKey } from "/console/views/key_list.js";

const SCOPES = ["findings:write", "findings:read", "fhir", "dicom", "lab", "audit:read"];

export const Section = () => {
  const pages = usePages("/admin/keys?limit=200");
  const doctors = useAnswer(getDoctors, []);
  /** @param {Api["KeyView"]} key */
  const revoke = async ({ _id }) => {
    await remove(apiPath`/admin/keys/${_id}`);
    toast(say("keyRevokedNow"));
    pages.reload();
  };
  return html`
    <p>${say("clinicKeysText")}</p>
    <${NewKey} path="/admin/keys" scopes=${SCOPES} doctors=${doctors.value ?? []} warning=${say("clinicKeyReads")} onMade=${pages.reload} />
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("keysEmpty")} />`}>
      ${(/** @type {Api["AnyKeyView"][]} */ keys) => html`<${KeyList} keys=${keys} onRevoke=${revoke} />`}
    <//>`;
};
