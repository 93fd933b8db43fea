// Log in with the old password, replace it with that token. Nothing is kept in the browser.

const form = document.querySelector("form");
const outcome = document.querySelector("#outcome");

async function send(method, path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function changePassword({ email, current, fresh, again }) {
  if (fresh !== again) throw new Error("The two new passwords differ");
  const { access_token: token } = await send("POST", "/login", { email, password: current });
  const body = { current_password: current, new_password: fresh };
  await send("PUT", "/me/password", body, token);
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
