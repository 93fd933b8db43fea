// @ts-check
// The approval of a patient, which asks for the doctor in charge.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { Confirm, Select } from "/console/components.js";
import { isolated, say } from "/console/language.js";
import { decide, roleAfter, sayWho } from "/console/views/account_actions.js";

/** @typedef {import("/console/views/account_actions.js").Account} Account */
/** @typedef {import("/console/views/account_actions.js").Act} Act */

/** Whether one is asked for the doctor before it is approved: it is then a patient's, and new or without a doctor. @param {Account} account */
const needsDoctor = (account) => roleAfter(account, "wanted") === "user" && (account.status === "waiting" || !account.doctor);

/** Approve these accounts, each in the role that it asks for; of one patient it is asked first who is in charge. @param {Account[]} accounts @param {Act} act */
export const approve = (accounts, act) =>
  accounts.length === 1 && needsDoctor(accounts[0])
    ? act.onApprove(accounts[0])
    : decide(accounts, "approvals", { role: "wanted" }, act.onChange).catch(act.onError);

/** In place of the e-mail of a doctor. */
const NO_DOCTOR = "none";

/** Who is in charge of a patient from the approval on. @param {{account: Account, doctors: Account[], onChange: Act["onChange"], onClose: () => void}} props */
export const ApprovePatient = ({ account, doctors, onChange, onClose }) => {
  const [chosen, setChosen] = useState("");
  const preselected = (doctors.find(({ email }) => email === account.doctor) ?? doctors.find((one) => one.default_doctor))?.email ?? "";
  const doctor = chosen || preselected;
  const send = async () => {
    if (!doctor) throw { status: 400, message: say("doctorNeeded") };
    await decide([account], "approvals", { role: "wanted", doctor: doctor === NO_DOCTOR ? null : doctor }, onChange);
  };
  return html`
    <${Confirm} title=${say("approveAsk", { who: sayWho(account) })} confirm=${say("approve")} kind="primary" onConfirm=${send} onClose=${onClose}>
      <${Select} label=${say("doctorInCharge")} name="approve-doctor" hint=${say("doctorInChargeHint")} value=${doctor} onChoose=${setChosen}
        options=${[
          ...(preselected ? [] : [["", say("chooseDoctor")]]),
          ...doctors.map((one) => [one.email, isolated(one.name)]),
          [NO_DOCTOR, say("noDoctorForNow")],
        ]} />
    <//>`;
};
