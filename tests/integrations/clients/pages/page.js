// What every stand-in needs: which client it is, the server's address, a sign to the test that all
// is shown. The class `harmless` marks whatever somebody would take for an all-clear.
export const { client, api, token } = Object.fromEntries(new URLSearchParams(location.search));

export function put(kind, text) {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  document.getElementById("screen").append(line);
}

export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

export function onPhoto(send) {
  document.getElementById("photo").addEventListener("change", async ({ target }) => {
    try {
      await send(target.files[0]);
    } catch (error) {
      document.getElementById("screen").replaceChildren(); // a page that breaks is left blank
      console.error(error);
    } finally {
      document.body.dataset.shown = "all";
    }
  });
}

export function asDataUrl(file) {
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(file);
  });
}
