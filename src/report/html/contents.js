// The files at each step, made from what changed. A file is { directory }, { cells } or { bytes }.

const counterexample = JSON.parse(document.getElementById("counterexample").textContent);
const steps = counterexample.steps;
const states = [];

// What is cached and what is durable after a step: two maps from paths to files. Files that do not change are shared.
function filesAt(number) {
  while (states.length <= number) {
    const step = steps[states.length];
    const before = states.at(-1) ?? { cached: new Map(), durable: new Map() };
    const [first, second] = step.mark === "power-cut" ? ["durable", "cached"] : ["cached", "durable"];
    const now = {};
    now[first] = changedFiles(before[first], step[first], new Map());
    now[second] = changedFiles(before[second], step[second], now[first]);
    states.push(now);
  }
  return states[number];
}

// The files with changes; `other`: those of the other side, which some are the same as.
function changedFiles(before, changes, other) {
  const files = new Map(before);
  for (const path of changes.gone) files.delete(path);
  for (const [path, changed] of Object.entries(changes.files)) {
    files.set(path, changed === "same" ? other.get(path) : changedFile(files.get(path), changed));
  }
  return files;
}

function changedFile(before, changed) {
  if (changed === "directory") return { directory: true };
  if (changed.cells) {
    const cells = (before?.cells ?? []).slice(0, changed.cells.len);
    while (cells.length < changed.cells.len) cells.push("0");
    for (const [at, run] of changed.cells.runs ?? []) {
      run.forEach((cell, i) => { if (at + i < cells.length) cells[at + i] = cell; });
    }
    return { cells };
  }
  const bytes = new Uint8Array(changed.bytes.len);
  if (before?.bytes) bytes.set(before.bytes.subarray(0, bytes.length));
  for (const [at, run] of changed.bytes.runs ?? []) {
    for (let i = 0, to = at; i + 1 < run.length && to < bytes.length; i += 2, to += 1) {
      bytes[to] = parseInt(run.slice(i, i + 2), 16);
    }
  }
  return { bytes };
}

// What a file is made of: bytes, or cells.
function unitsOf(file) {
  return file?.bytes ?? file?.cells ?? [];
}

function sameFile(one, other) {
  if (one === other) return true;
  if (!one || !other || !one.directory !== !other.directory || !one.cells !== !other.cells) return false;
  const [a, b] = [unitsOf(one), unitsOf(other)];
  return a.length === b.length && a.every((unit, i) => unit === b[i]);
}
