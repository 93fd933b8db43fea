// @ts-check
// A finding of somebody else: the doctor in charge or an admin enters it in error, and its patient reads why: own_findings.js.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, post } from "/console/api.js";
import { Confirm, TextArea, toast } from "/console/components.js";
import { say } from "/console/language.js";

/** @param {{number: string, onEntered: () => void}} props */
export const WrongPatient = ({ number, onEntered }) => {
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState("");
  const enter = async () => {
    if (!reason.trim()) throw new Error(say("letterReasonMissing"));
    await post(apiPath`/submissions/${number}/entered-in-error`, { reason });
    onEntered();
    toast(say("isEnteredInError", { number }));
  };
  return html`
    <p><button class="quiet wrong-patient" onClick=${() => setAsked(true)}>${say("wrongPatient")}</button></p>
    ${asked && html`<${Confirm} title=${say("wrongPatientAsk")} confirm=${say("enterInError")} onConfirm=${enter} onClose=${() => setAsked(false)}>
      <p>${say("wrongPatientText")}</p>
      <${TextArea} label=${say("wrongPatientReason")} name="wrong-patient" hint=${say("wrongPatientHint")} rows="3" maxlength="500" value=${reason} onText=${setReason} />
    <//>`}`;
};
