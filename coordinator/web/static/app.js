// Which page is shown: the address says it behind the #, so that each has a link and the browser's way back works.

import { wantToken } from "./api.js";
import { jobPage } from "./job.js";
import { listPage } from "./jobs.js";

const page = document.getElementById("page");
let leave = new AbortController(), shown = "";

function show() {
  const [path, query] = location.hash.slice(2).split("?"), [room, id, tab] = path.split("/");
  const options = new URLSearchParams(query ?? "");
  const place = room === "jobs" && id ? `jobs/${id}` : "";
  if (shown === place && place && page.isConnected && page.goTo) return page.goTo(tab ?? "curves", options);
  shown = place;
  leave.abort();
  leave = new AbortController();
  page.replaceChildren();
  page.goTo = null;
  window.scrollTo(0, 0);
  if (place) page.goTo = jobPage(page, id, tab ?? "curves", options, leave.signal);
  else listPage(page, leave.signal);
}

for (const no of document.querySelectorAll("dialog button[type=button]")) no.onclick = () => no.closest("dialog").close();
document.getElementById("token").onclick = () => wantToken();
window.addEventListener("hashchange", show);
show();
