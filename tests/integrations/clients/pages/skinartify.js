// Takes the highest of the seven for the answer; four of them are "Benign", with confetti. Of an
// error it shows `error`.
import { api, onPhoto, percent, put } from "./page.js";

const MALIGNANT = { melanoma: "Malignant", bcc: "Malignant", akiec: "Pre-cancerous" };

onPhoto(async (file) => {
  const body = new FormData();
  body.append("file", file);
  const answer = await fetch(`${api}/predict`, { method: "POST", body });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    put("bad", said.error || "Prediction failed");
    return;
  }
  const [[top, share]] = Object.entries(said.predictions).sort(([, a], [, b]) => b - a);
  put(MALIGNANT[top] ? "bad" : "good harmless", `${top}: ${MALIGNANT[top] ?? "Benign"}`);
  put("plain", percent(share));
  if (!MALIGNANT[top]) put("good harmless", "Confetti: little to no risk");
});
