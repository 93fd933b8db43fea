// Shows name, severity, score and ABCD; what is said of an indicator only once it is opened. On
// anything but 2xx it shows a diagnosis that nobody made.
import { api, asDataUrl, onPhoto, put } from "./page.js";

const INVENTED = {
  class_name: "Benign mole, invented by the page",
  severity: "Benign",
  risk_score: 1,
  confidence: 0.93,
  clinical_indicators: { A: 0.1, B: 0.1, C: 0.1, D: 0.1 },
  treatment: "None",
  description: "Invented",
  epidemiology: "Invented",
  model_version: "invented",
};
const KINDS = { Critical: "bad", Moderate: "fair", Benign: "good harmless" };

function render(said) {
  put(KINDS[said.severity], `${said.severity}, risk score ${said.risk_score}/10`);
  put("plain", said.class_name);
  put("plain", said.epidemiology);
  put("plain", `Confidence ${(100 * said.confidence).toFixed(2)}%, model ${said.model_version}`);
  for (const [key, score] of Object.entries(said.clinical_indicators)) {
    const [kind, word] =
      score > 0.6 ? ["bad", "High"] : score > 0.3 ? ["fair", "Moderate"] : ["good harmless", "Low"];
    put(kind, `${key} ${score.toFixed(2)} ${word}`);
  }
  put("plain", `Description: ${said.description}`);
  put("plain", `Treatment: ${said.treatment}`);
}

onPhoto(async (file) => {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ image: await asDataUrl(file) });
  let said = INVENTED;
  try {
    const answer = await fetch(`${api}/api/predict`, { method: "POST", headers, body });
    if (answer.ok) said = await answer.json();
  } catch (error) {
    console.warn(error);
  }
  render(said);
});
