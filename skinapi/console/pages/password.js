// An initial password gets no token, so it is sent with the new one. Nothing is kept in the browser.

const form = document.querySelector("form");
const outcome = document.querySelector("#outcome");

async function changePassword({ email, current, fresh, again }) {
  if (fresh !== again) throw new Error("The two new passwords differ");
  const response = await fetch("/password", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, current_password: current, new_password: fresh }),
  });
  if (!response.ok) throw new Error((await response.json()).error);
}

function say(sentence, kind) {
  outcome.textContent = sentence;
  outcome.className = kind;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await changePassword(Object.fromEntries(new FormData(form)));
    form.reset();
    say("Your password is changed. You can log in with it now.", "good");
  } catch (error) {
    say(error.message, "bad");
  } finally {
    button.disabled = false;
  }
});
