// Reads every answer as a prediction, whatever its status; what is no JSON went wrong. The first
// bar is green, whichever class it is.
import { api, asDataUrl, onPhoto, percent, put } from "./page.js";

const NAMES = {
  akiec: "Actinic keratoses",
  bcc: "Basal cell carcinoma",
  bkl: "Benign keratosis",
  df: "Dermatofibroma",
  mel: "Melanoma",
  nv: "Mole",
  vasc: "Vascular lesion",
};
const HARMLESS = ["bkl", "df", "nv", "vasc"];

onPhoto(async (file) => {
  const image_data = (await asDataUrl(file)).split(",")[1];
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ image_data });
  const answer = await fetch(`${api}/inference`, { method: "POST", headers, body });
  const text = await answer.text();
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    put("bad", "Something went wrong!");
    return;
  }
  const { predicted_label: label, probabilities } = said;
  const kind = HARMLESS.includes(label) ? "plain harmless" : "plain";
  put(kind, `Prediction: ${NAMES[label] ?? ""} (${label.toUpperCase()})`);
  const keys = Object.keys(NAMES);
  const bars = probabilities[0].map((share, place) => [keys[place], share]);
  bars.sort(([, a], [, b]) => b - a);
  bars.forEach(([key, share], place) => {
    const green = place === 0 && HARMLESS.includes(key) ? "good harmless" : "good";
    put(place === 0 ? green : "plain", `${NAMES[key]} ${percent(share)}`);
  });
  offerReport(body, headers);
});

// The button is there whatever was read; what is no JSON is lost on it.
function offerReport(body, headers) {
  const button = document.createElement("button");
  button.textContent = "Download report";
  button.addEventListener("click", async () => {
    try {
      const answer = await fetch(`${api}/report`, { method: "POST", headers, body });
      const { pdf_report } = await answer.json();
      button.dataset.saved = pdf_report;
    } catch (error) {
      console.warn(error);
    } finally {
      button.dataset.done = "yes";
    }
  });
  document.body.append(button);
}
