// @ts-check
// Over a page about a spot, for a doctor: whose it is, and the way back to the case that one came from.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { getSession } from "/console/api.js";
import { Icon, useAnswer } from "/console/components.js";
import { isolated, say, sayValue } from "/console/language.js";
import { addressOf } from "/console/navigation.js";
import { getSubmission } from "/console/views/finding.js";

/** The address of such a page, which keeps the case that is left and the list beside it. @param {string} view @param {string} spot @param {string | number} number @param {string} back the address of the list */
export const leaveCase = (view, spot, number, back) =>
  addressOf(`#/${view}/${spot}`, { ...Object.fromEntries(new URLSearchParams(back.split("?")[1] ?? "")), case: String(number) });

/** The way back; null where one came from no case. @param {{filters: URLSearchParams}} props */
export const BackToCase = ({ filters }) => {
  const { case: number = "", ...list } = Object.fromEntries(filters);
  if (!/^\d+$/.test(number)) return null;
  return html`<p><a class="to-case" href=${`#/${addressOf(`case/${number}`, list)}`}><${Icon} name="back" size=${16} />${say("title_finding")} ${number}</a></p>`;
};

/** The name, and what was told with the newest photo: age and sex. @param {{spot: Api["LesionView"]}} props */
export const PatientHead = ({ spot }) => {
  const number = getSession()?.role === "doctor" && spot.latest?.id;
  const { value } = useAnswer(async () => (number ? getSubmission(String(number)) : null), [number]);
  if (!value?.user_name) return null;
  const { age_band: age, sex } = value.context;
  const told = [age && sayValue("age", age), sex && sayValue("sex", sex)].filter(Boolean);
  return html`<p class="patient"><strong>${isolated(value.user_name)}</strong>${told.map((one) => ` · ${one}`)}</p>`;
};
