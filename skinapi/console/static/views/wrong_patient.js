// A finding of somebody else: the doctor in charge enters it in error, and its patient reads why (spots.js); or moves it to the right patient at once.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, post } from "/console/api.js";
import { AskFirst, Change, Load, Select, TextArea, toast } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { Search } from "/console/views/account_actions.js";

const MOST_FOUND = "10";

/** One of the doctor's own patients. @param {{chosen: string, onChoose: (patient: string) => void}} props */
const RightPatient = ({ chosen, onChoose }) => {
  const [q, setQ] = useState("");
  const search = (/** @type {string} */ text) => {
    onChoose("");
    setQ(text);
  };
  return html`
    <${Search} label=${say("rightPatient")} onSearch=${search} />
    <${Load} ask=${async () => (q ? get(`/patients?${new URLSearchParams({ q, limit: MOST_FOUND })}`) : [])} inputs=${[q]}>
      ${(/** @type {{_id: string, name: string, email: string}[]} */ found) => q && html`
        <${Select} label=${say("choose")} name="right-patient" value=${chosen} onChoose=${onChoose}
          options=${[["", say(found.length > 0 ? "movesToNobody" : "searchEmpty")], ...found.map(({ _id, name, email }) => [_id, `${isolated(name)} · ${isolated(email)}`])]} />`}
    <//>`;
};

/** `onEntered` hears the number of the new finding where what was decided is to be signed on it again. @param {{number: string, decision: Api["DecisionView"] | null | undefined, onEntered: (again?: number) => void}} props */
export const WrongPatient = ({ number, decision, onEntered }) => {
  const [reason, setReason] = useState("");
  const [patient, setPatient] = useState("");
  const enter = async () => {
    if (!reason.trim()) throw new Error(say("reasonMissing"));
    const moved = await (patient
      ? post(apiPath`/submissions/${number}/move`, { reason, patient })
      : post(apiPath`/submissions/${number}/entered-in-error`, { reason }));
    const again = patient && moved.decision_void;
    onEntered(again ? moved.id : undefined);
    const done = patient ? say("isMoved", { number, moved: String(moved.id) }) : say("isEnteredInError", { number });
    toast([done, again && say("isMovedDecided")].filter(Boolean).join(" "));
  };
  return html`
    <p><${AskFirst} words=${say("wrongPatient")} look="quiet wrong-patient" title=${say("wrongPatientAsk")} confirm=${say(patient ? "moveFinding" : "enterInError")} onConfirm=${enter}>
      <${Change} before=${say("findingNumber", { number })} after=${say("enteredInError")} />
      <p>${say("wrongPatientText")}</p>
      ${decision && html`<p><strong>${say("wrongPatientDecided", { what: decision.heading })}</strong></p>`}
      ${decision?.sample === "waiting" && html`<p><strong>${say("wrongPatientAwaited")}</strong></p>`}
      <${TextArea} label=${say("reason")} name="wrong-patient" hint=${say("wrongPatientHint")} rows="3" maxlength="500" value=${reason} onText=${setReason} />
      <${RightPatient} chosen=${patient} onChoose=${setPatient} />
      <p>${say(patient ? "moveFindingText" : "rightPatientText")}</p>
    <//></p>`;
};
