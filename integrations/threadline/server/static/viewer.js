// What pages do beside being read: they load on as one scrolls, open traces where they stand, take
// thumbs without a reload, and follow what is recorded. Without it every one of these is a link.
"use strict";

const main = document.getElementById("main");
const news = document.getElementById("news");
const live = main?.dataset.live;

async function pageAt(address, options) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function say(words) {
  if (!news) return;
  news.textContent = words;
  setTimeout(() => { if (news.textContent === words) news.textContent = ""; }, 4000);
}

// ---- long conversations

const turns = document.getElementById("turns");
const MOST_TURNS = 600;
const nearEnd = new IntersectionObserver(
  (seen) => { for (const one of seen) if (one.isIntersecting) more(one.target); },
  { rootMargin: "1200px" },
);

async function more(onward) {
  nearEnd.unobserve(onward);
  const link = onward.querySelector("a[rel=next]");
  try {
    const page = await pageAt(link.href);
    const there = new Set([...turns.children].map((one) => one.id));
    const fresh = [...page.querySelectorAll("#turns > *")].filter((one) => !one.id || !there.has(one.id));
    turns.append(...fresh.map((one) => document.adoptNode(one)));
    const next = page.querySelector(".onward:has(a[rel=next])");
    onward.replaceWith(...(next ? [document.adoptNode(next)] : []));
    watchEnd();
  } catch { /* the link is still there to be clicked */ }
}

async function earlier(onward, link) {
  const height = document.documentElement.scrollHeight;
  const page = await pageAt(link.href);
  turns.prepend(...[...page.querySelectorAll("#turns > *")].map((one) => document.adoptNode(one)));
  const before = page.querySelector(".onward:has(a[rel=prev])");
  onward.replaceWith(...(before ? [document.adoptNode(before)] : []));
  if (!CSS.supports("overflow-anchor", "auto")) {
    scrollBy(0, document.documentElement.scrollHeight - height);
  }
}

function watchEnd() {
  const onward = document.querySelector(".onward:has(a[rel=next])");
  // laying a page out takes longer the more is on it: from here on the link leads to a new one
  if (turns && onward && turns.children.length < MOST_TURNS) nearEnd.observe(onward);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".onward a[rel=prev]");
  if (!turns || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  earlier(link.closest(".onward"), link).catch(() => { location.href = link.href; });
});

// ---- traces

document.addEventListener("toggle", async (event) => {
  const trace = event.target;
  const from = trace.dataset?.from;
  if (!trace.open || !from) return;
  delete trace.dataset.from;
  try {
    const rows = (await pageAt(from)).querySelectorAll("article .trace > .row");
    trace.append(...[...rows].map((one) => document.adoptNode(one)));
  } catch { trace.dataset.from = from; }
}, true);

// ---- thumbs

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const turn = form.closest("#turns > .turn");
  if (!form.classList.contains("rate") || !turn) return;
  event.preventDefault();
  try {
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const page = await pageAt(form.action, { method: "POST", body });
    replaceTurn(page, turn.id);
    document.querySelector(`#${turn.id} .rate input[name=comment]`)?.focus();
    say("Kept.");
  } catch { say("That was not kept; load the page anew."); }
});

function replaceTurn(page, id) {
  const old = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!old || !fresh) return false;
  const open = new Set([...old.querySelectorAll("details")].flatMap((one, n) => (one.open ? [n] : [])));
  old.replaceWith(document.adoptNode(fresh));
  fresh.querySelectorAll("details").forEach((one, n) => { one.open = open.has(n); });
  return true;
}

// ---- news

let stream = null;
let busy = false;
let again = false;

function follow() {
  if (!["list", "conversation"].includes(live) || document.hidden || stream) return;
  stream = new EventSource("/events");
  stream.addEventListener("turns", (event) => take(JSON.parse(event.data)));
}

async function take(told) {
  if (live === "list") return refreshList();
  for (const one of told) {
    if (one.thread !== main.dataset.thread) continue;
    const query = new URLSearchParams({ id: one.thread, turn: one.turn });
    const page = await pageAt(`/conversation?${query}`);
    if (replaceTurn(page, one.anchor)) continue;
    const fresh = page.getElementById(one.anchor);
    if (!fresh || document.querySelector(".onward:has(a[rel=next])")) { say("There are newer turns."); continue; }
    turns.append(document.adoptNode(fresh));
    say("A new turn.");
  }
}

async function refreshList() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const held = document.activeElement?.closest?.("#rows a")?.getAttribute("href");
    const fresh = (await pageAt(location.href)).getElementById("rows");
    if (fresh) document.getElementById("rows")?.replaceWith(document.adoptNode(fresh));
    if (held) document.querySelector(`#rows a[href="${CSS.escape(held)}"]`)?.focus();
  } catch { /* the next news try again */ }
  setTimeout(() => { busy = false; if (again) { again = false; refreshList(); } }, 1000);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { follow(); return; }
  stream?.close();
  stream = null;
});

follow();
watchEnd();
