// The coordinator's calls, as gRPC has them: a message in, a message out, or a stream of them.
// The token stays in this tab: in sessionStorage, and in a header of each call.

const WAIT_MS = [300, 5000];
const NO_TOKEN = "this coordinator wants a token: press Token, above";
let told = null, declined = false; // the question for a token that is open; whether nobody wants to be asked again

export class Refused extends Error {
  constructor(answer) {
    super(answer.reason === "TOKEN_MISSING" ? NO_TOKEN : answer.message);
    this.reason = answer.reason;
    this.problems = answer.problems ?? [];
  }
}

export async function call(method, request = {}) {
  const response = await asked("api/" + method, request);
  return response.json();
}

// The messages of a stream that ends by itself and is not taken up again.
export async function* pieces(method, request, signal) {
  yield* messages(await asked("api/" + method, request, signal));
}

export async function download(job, name) {
  const response = await asked(`artifacts/${job}/${name.split("/").map(encodeURIComponent).join("/")}`, {});
  return response.blob();
}

// Every message of a stream, across reconnects: `request(last)` is asked for what comes behind the last message.
// Ends with the message for which `isLast` holds, or when the signal says so. Nobody looks at a hidden page, and a browser has
// few connections to one place: then there is none, and it goes on when the page is seen again.
export async function stream(method, request, take, isLast, signal) {
  let last = null, wait = WAIT_MS[0];
  while (!signal.aborted) {
    await seen(signal);
    const leave = AbortSignal.any([signal, turned(signal)]);
    try {
      const response = await asked("api/" + method, request(last), leave);
      for await (const message of messages(response)) {
        last = message;
        wait = WAIT_MS[0];
        take(message);
        if (isLast(message)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.reason === "CURSOR_LOST") last = null; // the store was put back to a copy: all is looked at anew
      else if (error instanceof Refused && !["TOKEN_MISSING", "TOKEN_INVALID", "STREAM_LIMIT", "DRAINING"].includes(error.reason)) throw error;
    }
    await new Promise(done => setTimeout(done, wait));
    wait = Math.min(2 * wait, WAIT_MS[1]);
  }
}

// Aborts when the page is hidden or shown.
function turned(signal) {
  const leave = new AbortController();
  document.addEventListener("visibilitychange", () => leave.abort(), { once: true, signal });
  return leave.signal;
}

// Resolves as soon as somebody looks.
function seen(signal) {
  if (!document.hidden) return null;
  return new Promise(done => AbortSignal.any([signal, turned(signal)]).addEventListener("abort", done));
}

async function asked(path, request, signal) {
  const headers = { "Content-Type": "application/json" }, token = sessionStorage.getItem("token");
  if (token) headers.Authorization = "bearer " + token;
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(request), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    line("lost");
    throw new Error("the coordinator cannot be reached");
  }
  line("live");
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({ message: `the coordinator answered ${response.status}` }));
  if (answer.reason?.startsWith("TOKEN_") && !declined) {
    await wantToken("This coordinator wants a token", answer.reason === "TOKEN_MISSING" ? "" : answer.message);
    if (sessionStorage.getItem("token") !== token) return asked(path, request, signal);
  }
  throw new Refused(answer);
}

// Server-sent events, one JSON message each.
async function* messages(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = JSON.parse(event.slice(event.indexOf("data: ") + 6));
      if (event.startsWith("event: refused")) throw new Error(data.message);
      yield data;
    }
  }
}

export function wantToken(wanted = "Your token for this coordinator", why = "") {
  told ??= new Promise(done => {
    const dialog = document.getElementById("ask"), secret = document.getElementById("secret");
    document.getElementById("wanted").textContent = wanted;
    document.getElementById("why").textContent = why;
    secret.value = "";
    dialog.returnValue = "";
    dialog.onclose = () => {
      declined = dialog.returnValue !== "ok";
      if (!declined) sessionStorage.setItem("token", secret.value.trim());
      told = null;
      done();
    };
    dialog.showModal();
  });
  return told;
}

function line(is) {
  const shown = document.getElementById("line");
  if (shown.dataset.is === is) return;
  shown.dataset.is = is;
  shown.textContent = is === "live" ? "live" : "no connection";
}
