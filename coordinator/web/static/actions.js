// What can be done about a job in its state.

import { el } from "./format.js";

const OF_STATE = { queued: ["pause", "cancel"], starting: ["pause", "cancel"], running: ["pause", "cancel"], pausing: ["cancel"], paused: ["resume", "cancel"],
  restarting: ["cancel"], failed: ["retry"], cancelled: ["retry"] };

// `act(method)`: makes that call.
export function showActions(actions, state, act) {
  if (actions.dataset.of === state) return;
  actions.dataset.of = state;
  const buttons = {
    pause: () => el("button", { textContent: "Pause", onclick: () => act("PauseJob") }),
    resume: () => el("button", { className: "primary", textContent: "Resume", onclick: () => act("ResumeJob") }),
    retry: () => el("button", { textContent: "Try again", onclick: () => act("RetryJob") }),
    cancel: () => el("button", { className: "danger", textContent: "Cancel", onclick: async () => {
      if (await sure("Cancel this job?", "It stops at the next step, with a checkpoint from which it can be gone on with.")) act("CancelJob");
    } }),
  };
  actions.replaceChildren(...(OF_STATE[state] ?? []).map(name => buttons[name]()));
}

function sure(question, consequence) {
  const dialog = document.getElementById("sure");
  document.getElementById("question").textContent = question;
  document.getElementById("consequence").textContent = consequence;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise(done => { dialog.onclose = () => done(dialog.returnValue === "ok"); });
}
