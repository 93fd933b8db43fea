// Keys of programs: one's own, and those of the clinic for admins.

import { html, useState } from "/console/vendor/htm-preact-3.1.1.js";
import { apiPath, get, getSession, post, remove } from "/console/api.js";
import { Answer, AskFirst, Change, Empty, Field, Form, Message, Secret, Select, TextArea, toast, useAnswer } from "/console/components.js";
import { isolated, say, sayAge, sayDate, sayList, sayNumber, sayValue } from "/console/language.js";
import { Pages, usePages } from "/console/lists.js";
import { AREAS } from "/console/navigation.js";
import { getDoctors } from "/console/views/account_actions.js";
import { OwnerFields } from "/console/views/login.js";

/** A key as its owner sees it; admins see whose it is, too. @typedef {Api["KeyView"] & Partial<Api["AnyKeyView"]>} Key */

const DAYS = ["30", "90", "365", "never"];
const USUAL_DAYS = "365";

const sayScope = (/** @type {string} */ scope) => sayValue("scope", scope.replace(":", "_"));

/** @param {Key} key */
const hasEnded = ({ ends_at, revoked_at }) => Boolean(revoked_at) || (ends_at !== null && Date.parse(ends_at) <= Date.now());

/** What is known of a key, as short sentences. @param {Key} key */
const factsOf = ({ created_at, ends_at, revoked_at, uses, used_at, addresses, quota, sessions, shows_patients_of: shows, account_email, clinic_wide, made_by_email, doctor_email: doctor }) =>
  [
    clinic_wide ? made_by_email && say("keyMadeBy", { email: made_by_email }) : account_email && isolated(account_email),
    doctor && say("keyHasDoctor", { email: doctor }),
    say("awaitedSince", { date: sayDate(created_at, false) }),
    revoked_at ? say("keyRevokedAt", { date: sayDate(revoked_at, false) }) : ends_at ? say("keyEnds", { date: sayDate(ends_at, false) }) : say("keyNeverEnds"),
    used_at ? say("keyUses", { count: sayNumber(uses), age: sayAge(used_at) }) : say("keyUnused"),
    addresses.length > 0 && say("keyFrom", { addresses: sayList(addresses) }),
    quota && say("keyQuotaOf", { count: sayNumber(quota) }),
    sessions && say("keyMakesSessions"),
    shows.length > 0 && say("keyShowsPatients", { systems: sayList(shows) }),
  ].filter(Boolean);

const KeyRow = (/** @type {{one: Key, path: string, onChange: () => void}} */ { one, path, onChange }) => {
  const revoke = async () => {
    await remove(`${path}${apiPath`/${one._id}`}`);
    toast(say("keyRevokedNow"));
    onChange();
  };
  const marks = [one.clinic_wide && "keyWide", one.kind === "test" && "keyTest", one.revoked_at ? "keyRevoked" : hasEnded(one) && "keyEnded"].filter(Boolean);
  return html`
    <li>
      <div class="grow"><strong>${isolated(one.name)}</strong>
        <span>${one.scopes.map(sayScope).join(" · ")}</span>
        <small><code>sk_${one.kind}_…${one.hint}</code> · ${factsOf(one).join(" · ")}${one.account && html` · <a href=${`#/audit?key=${one._id}`}>${say("keyTrail")}</a>`}</small></div>
      ${marks.map((mark) => html`<span class="mark">${say(/** @type {WordKey} */ (mark))}</span>`)}
      ${!one.revoked_at && html`<${AskFirst} words=${say("revokeKey")} look="quiet" title=${say("revokeKeyAsk", { name: one.name })}
        onConfirm=${revoke}><${Change} before=${one.used_at ? say("keyUses", { count: sayNumber(one.uses), age: sayAge(one.used_at) }) : say("keyUnused")} after=${say("keyRevoked")} /><p>${say(one.clinic_wide ? "revokeClinicKeyText" : "revokeKeyText")}</p><//>`}
    </li>`;
};

/** Those that open something first, the newest of them first. `path` is the list's. @param {{keys: Key[], path: string, onChange: () => void}} props */
const KeyList = ({ keys, path, onChange }) => {
  const newest = [...keys].reverse();
  const sorted = [...newest.filter((one) => !hasEnded(one)), ...newest.filter(hasEnded)];
  if (sorted.length === 0) return html`<${Empty} title=${say("keysEmpty")} />`;
  return html`<ul class="list">${sorted.map((one) => html`<${KeyRow} key=${one._id} one=${one} path=${path} onChange=${onChange} />`)}</ul>`;
};

/** What a form says, as the API takes it. @param {Record<string, string>} values @param {string[]} scopes */
const keyOf = ({ keyName, keyKind, keyDays, keyDoctor, keyAddresses, keyQuota, keySessions, keyShows, ownPassword = "", ownCode }, scopes) => ({
  name: keyName,
  ...(keyKind && { kind: keyKind }),
  scopes,
  days: keyDays === "never" ? null : Number(keyDays),
  ...(keyDoctor && { doctor: keyDoctor }),
  addresses: keyAddresses.split(/[\s,]+/).filter(Boolean),
  quota: keyQuota ? Number(keyQuota) : null,
  sessions: Boolean(keySessions),
  shows_patients_of: (keyShows ?? "").split(/[\n,]/).map((system) => system.trim()).filter(Boolean),
  current_password: ownPassword,
  ...(ownCode && { code: ownCode }),
});

/** `kinds`: whether it may be a test key; `doctors`: who may be in charge of the patients whom it adds.
 * @param {{path: string, scopes: string[], kinds?: boolean, doctors?: Api["AccountRow"][], warning?: string, onMade: () => void}} props */
const NewKey = ({ path, scopes, kinds = false, doctors, warning, onMade }) => {
  const me = useAnswer(() => get("/me"), []);
  const [made, setMade] = useState(/** @type {Api["MadeKey"] | null} */ (null));
  const [turn, setTurn] = useState(0); // after one is made, a new form, which is empty
  const [ticked, setTicked] = useState(/** @type {string[]} */ ([]));
  const make = async (/** @type {Record<string, string>} */ values) => {
    if (ticked.length === 0) throw { status: 400, message: say("keyNeedsScope") };
    setMade(await post(path, keyOf(values, ticked)));
  };
  const close = () => {
    setMade(null);
    setTicked([]);
    setTurn(turn + 1);
    onMade();
  };
  /** @param {string} scope @param {boolean} wanted */
  const tick = (scope, wanted) => setTicked(wanted ? [...ticked, scope] : ticked.filter((one) => one !== scope));
  return html`
    <details class="card" key=${turn}><summary><strong>${say("makeKey")}</strong></summary>
      <${Form} label=${say("makeKey")} onSend=${make}>
        <${Field} label=${say("keyName")} name="keyName" hint=${say("keyNameHint")} required />
        <fieldset><legend>${say("keyScopes")}</legend>
          ${scopes.map((scope) => html`<label class="tick" key=${scope}><input type="checkbox"
            onChange=${(/** @type {FieldEvent} */ event) => tick(scope, event.target.checked)} /><span>${sayScope(scope)}</span></label>`)}
        </fieldset>
        ${warning && html`<${Message}>${warning}<//>`}
        ${kinds && html`<${Select} label=${say("keyKind")} name="keyKind" hint=${say("keyKindHint")} options=${["live", "test"].map((kind) => [kind, sayValue("keyKind", kind)])} />`}
        <${Select} label=${say("keyDays")} name="keyDays" value=${USUAL_DAYS} options=${DAYS.map((days) => [days, sayValue("keyDays", days)])} />
        ${doctors && html`<${Select} label=${say("keyDoctor")} name="keyDoctor" hint=${say("keyDoctorHint")} options=${[
          ["", say("keyDoctorUnnamed")],
          ...doctors.map((one) => [one.email, isolated(one.name)]),
        ]} />`}
        ${doctors && ticked.some((scope) => READS.includes(scope)) && html`
          <${TextArea} label=${say("keyShows")} name="keyShows" hint=${say("keyShowsHint")} rows="2" />`}
        <details><summary>${say("keyMore")}</summary>
          <${TextArea} label=${say("keyAddresses")} name="keyAddresses" hint=${say("keyAddressesHint")} rows="2" />
          <${Field} label=${say("keyQuota")} name="keyQuota" hint=${say("keyQuotaHint")} type="number" min="1" max="100000" />
          <label class="tick"><input type="checkbox" name="keySessions" /><span>${say("keySessions")}</span></label>
        </details>
        <${OwnerFields} me=${me.value} />
      <//>
    </details>
    ${made && html`<${Secret} title=${say("keyMade")} text=${say("keyMadeText")} password=${made.secret} onClose=${close} />`}`;
};

const READS = ["findings:read", ...AREAS.flatMap(({ scopes }) => scopes)];
const FINDINGS = ["findings:write", ...READS];
/** What a role can do with a key, besides its own findings. @type {Record<string, string[]>} */
const MORE = { researcher: ["lab"], admin: ["lab", "audit:read"] };

export const View = () => {
  const keys = useAnswer(() => get("/keys"), []);
  return html`
    <h1>${say("title_keys")}</h1>
    <p>${say("keysText")}${" "}<a href="/docs">${say("nav_docs")}</a></p>
    <${NewKey} path="/keys" kinds scopes=${[...FINDINGS, ...(MORE[getSession()?.role ?? ""] ?? [])]} onMade=${keys.reload} />
    <${Answer} answer=${keys}>${(/** @type {Api["KeyView"][]} */ found) => html`<${KeyList} keys=${found} path="/keys" onChange=${keys.reload} />`}<//>`;
};

export const ClinicKeys = () => {
  const pages = usePages("/admin/keys?limit=200");
  const doctors = useAnswer(getDoctors, []);
  return html`
    <p>${say("clinicKeysText")}</p>
    <${NewKey} path="/admin/keys" scopes=${[...FINDINGS, ...MORE.admin]} doctors=${doctors.value ?? []} warning=${say("clinicKeyReads")} onMade=${pages.reload} />
    <${Pages} pages=${pages} empty=${html`<${Empty} title=${say("keysEmpty")} />`}>
      ${(/** @type {Api["AnyKeyView"][]} */ keys) => html`<${KeyList} keys=${keys} path="/admin/keys" onChange=${pages.reload} />`}
    <//>`;
};
