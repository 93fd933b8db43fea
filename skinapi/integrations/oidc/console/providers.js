// Where the clinic's accounts log in: whether each place answers, and what is to be registered there.

import { html } from "/console/vendor/htm-preact-3.1.1.js";
import { get } from "/console/api.js";
import { Empty, Load, Message } from "/console/components.js";
import { isolated, say, sayList, sayValue } from "/console/language.js";

const Provider = (/** @type {{provider: Api["ProviderView"]}} */ { provider }) => {
  const roles = Object.entries(provider.roles).map(([group, role]) => `${isolated(group)} → ${sayValue("role", role)}`);
  /** @type {[string, string][]} */
  const addresses = [
    [say("providerIssuer"), provider.issuer],
    [say("providerRedirect"), provider.redirect_uri],
    [say("providerLogOut"), provider.log_out_uri],
    [say("providerAfterLogOut"), provider.after_log_out_uri],
  ];
  return html`
    <section class="card">
      <h2>${isolated(provider.label)}</h2>
      <${Message} kind=${provider.reachable ? "good" : "bad"}>${say(provider.reachable ? "providerAnswers" : "providerDown")}<//>
      <dl>${addresses.map(([name, address]) => html`<dt>${name}</dt><dd><code class="key">${address}</code></dd>`)}</dl>
      <p>${roles.length > 0 ? say("providerRoles", { roles: sayList(roles) }) : say("providerNoRoles")}
        ${" "}${say("providerLinks")}</p>
    </section>`;
};

export const View = () => html`
  <${Load} ask=${() => get("/integrations/oidc")}>
    ${(/** @type {Api["ProviderView"][]} */ providers) =>
      providers.length === 0
        ? html`<${Empty} title=${say("providersEmpty")}><p>${say("providersEmptyText")}</p><//>`
        : html`<p>${say("providersText")}</p>
            ${providers.map((provider) => html`<${Provider} key=${provider.name} provider=${provider} />`)}`}
  <//>`;
