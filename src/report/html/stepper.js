// Moves through the steps: keys, buttons, the slider, the timeline, and the address.

const KINDS = {
  "start": "start",
  "asked": "the client asks",
  "memory": "in the engine's memory",
  "buffered": "in the engine's memory, lost by a kill",
  "change": "storage call: cached from now on",
  "barrier": "barrier: what it covers is durable",
  "failed": "storage call that failed",
  "acknowledged": "acknowledged: promised durable",
  "returned": "returned: not promised durable yet",
  "refused": "refused",
  "kill": "kill: memory is gone, what is cached stays",
  "power-cut": "power cut: each cached effect is kept or lost",
  "served": "the store serves",
  "unopened": "the store does not open",
};
const byId = (id) => document.getElementById(id);
const slider = byId("slider");
const drawing = document.querySelector("#timeline .lightsout-timeline");
let current = -1;

function select(number) {
  const step = Math.max(0, Math.min(steps.length - 1, number));
  if (step === current || steps.length === 0) return;
  current = step;
  slider.value = step;
  slider.setAttribute("aria-valuetext", `step ${step} of ${steps.length - 1}`);
  byId("first").disabled = byId("previous").disabled = step === 0;
  byId("last").disabled = byId("next").disabled = step === steps.length - 1;
  byId("now").replaceChildren(...showStep(step));
  byId("effects").replaceChildren(...showEffects(steps[step].effects));
  byId("contents").replaceChildren(...showFiles(step).filter((part) => part !== ""));
  for (const row of document.querySelectorAll(".current")) row.classList.remove("current");
  byId(`row-${step}`)?.classList.add("current");
  const column = drawing.querySelector(`[data-step="${step}"]`);
  column?.classList.add("current");
  drawing.querySelector(`[data-column="${step}"]`)?.classList.add("current");
  bringIntoView(column);
  document.body.dataset.step = step;
}

// What happens in a step, and what the client was told.
function showStep(number) {
  const step = steps[number];
  const who = step.recovery ? "recovery: " : "";
  const shown = [
    element("p", "where", `Step ${number} of ${steps.length - 1}`, element("span", "kind", KINDS[step.mark] ?? "")),
    element("h2", `what ${step.mark}`, who, longText(step.what), step.site ? element("span", "site", step.site) : ""),
  ];
  const facts = element("dl", "facts");
  const fact = (name, ...what) => facts.append(element("dt", "", name), element("dd", "", ...what));
  const told = steps.slice(0, number + 1).findLastIndex((one) => one.client !== "");
  if (told === number) fact("the client", element("strong", "", longText(step.client)));
  else if (told >= 0) fact("the client", element("span", "soft", `was last told, in step ${told}: `), longText(steps[told].client));
  if (step.buffered) fact("buffered", longText(step.buffered));
  return [...shown, facts];
}

// What a power cut did: a row for each cached effect, the lost ones first.
function showEffects(effects) {
  if (effects.length === 0) return [];
  const order = ["lost", "kept", "either"];
  const sorted = order.flatMap((fate) => effects.filter((effect) => effect.fate === fate));
  const rows = sorted.map((effect) => {
    const since = element("a", "", `step ${effect.since}`);
    since.href = `#step=${effect.since}`;
    return element("tr", effect.fate,
      element("th", "", element("span", "fate", effect.fate)), element("td", "", longText(effect.what)), element("td", "", since),
      element("td", "", effect.doomed ? `the ${effect.barrier} failed, and no later one covers it` : effect.barrier));
  });
  const head = ["fate", "cached effect", "cached since", "what makes it durable"].map((name) => element("th", "", name));
  return [element("table", "fates", element("thead", "", element("tr", "", ...head)), element("tbody", "", ...rows))];
}

// The timeline scrolls sideways; the names of its lanes stay.
function bringIntoView(column) {
  const scroll = document.querySelector("#timeline .scroll");
  if (!column || scroll.scrollWidth <= scroll.clientWidth) return;
  const [box, frame] = [column.querySelector(".hit").getBoundingClientRect(), scroll.getBoundingClientRect()];
  // What became of the effects stands behind a power cut.
  const behind = steps[current].mark === "power-cut" ? 360 : 0;
  if (box.left < frame.left + 140 || box.right + behind > frame.right) {
    scroll.scrollLeft += box.left - frame.left - frame.width / 2;
  }
}

function keepLanes() {
  const scroll = document.querySelector("#timeline .scroll");
  const scale = drawing.viewBox.baseVal.width / drawing.getBoundingClientRect().width;
  drawing.querySelector(".sticky").setAttribute("transform", `translate(${scroll.scrollLeft * scale || 0} 0)`);
}

function go(number) {
  select(number);
  history.replaceState(null, "", `#step=${current}`);
}

function fromAddress() {
  const named = /^#step=(\d+)$/.exec(location.hash);
  return named ? Number(named[1]) : null;
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // The slider knows the arrows by itself.
  const arrows = event.target !== slider;
  const to = {
    ArrowLeft: arrows ? current - 1 : null, ArrowRight: arrows ? current + 1 : null,
    Home: arrows ? 0 : null, End: arrows ? steps.length - 1 : null,
    j: current + 1, k: current - 1,
  }[event.key] ?? null;
  if (to === null) return;
  event.preventDefault();
  go(to);
}

document.addEventListener("keydown", key);
slider.addEventListener("input", () => go(Number(slider.value)));
byId("first").addEventListener("click", () => go(0));
byId("previous").addEventListener("click", () => go(current - 1));
byId("next").addEventListener("click", () => go(current + 1));
byId("last").addEventListener("click", () => go(steps.length - 1));
drawing.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) go(Number(step.dataset.step));
});
document.querySelector("#timeline .scroll").addEventListener("scroll", keepLanes, { passive: true });
window.addEventListener("resize", keepLanes);
window.addEventListener("hashchange", () => select(fromAddress() ?? counterexample.opens));
byId("stepper").hidden = false;
document.body.classList.add("scripted");
select(fromAddress() ?? counterexample.opens);
keepLanes();
