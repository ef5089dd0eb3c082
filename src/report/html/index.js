// Sorts the table of checks by a column, and shows only the rows that contain a text.

const table = document.querySelector(".sortable");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}

function sort(column) {
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
  const order = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
  rows.sort(([a], [b]) => (down ? order(b, a) : order(a, b)));
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows.map(([, row]) => row));
}

function filter() {
  const wanted = document.getElementById("filter").value.toLowerCase();
  let count = 0;
  for (const row of body.rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    count += row.hidden ? 0 : 1;
  }
  document.getElementById("count").textContent = wanted ? `${count} of ${body.rows.length}` : "";
}

heads.forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  button.addEventListener("click", () => sort(column));
  head.replaceChildren(button);
});
document.querySelector(".filter").hidden = false;
document.getElementById("filter").addEventListener("input", filter);
