//! Reads what a page shows.

use lightsout::counterexample::Frame;
use lightsout::counterexample::contents::{Files, Node};
use serde_json::{Map, Value, json};

/// All files that a step shows, unfolded: `{"cached": {path: hex or cells or "directory"}, "durable": ..}`.
pub(crate) const READ: &str = "(async () => {
  for (const quiet of document.querySelectorAll('.quiet')) quiet.open = true;
  await new Promise((done) => setTimeout(done));
  await new Promise((done) => setTimeout(done));
  for (let fold; (fold = document.querySelector('.fold')); ) fold.click();
  const shown = { cached: {}, durable: {} };
  for (const side of document.querySelectorAll('.file .side')) {
    const path = side.closest('[data-path]').dataset.path;
    const size = side.querySelector('.size').textContent;
    const cells = [...side.querySelectorAll('.chip')].map((chip) => (chip.querySelector('.long > div') ?? chip).textContent);
    const rows = [...side.querySelectorAll('.row')];
    rows.forEach((row, i) => { if (parseInt(row.querySelector('.at').textContent, 16) !== i * 16) throw new Error(path); });
    const hex = rows.map((row) => row.querySelector('.hex').textContent.replaceAll(' ', '')).join('');
    if (size === 'not there') continue;
    shown[side.dataset.side][path] = size === 'a directory' ? 'directory' : cells.length > 0 ? cells : hex;
  }
  return shown;
})()";

/// Texts that stand out too little from what is behind them (WCAG 2, level AA: 4.5 to 1).
pub(crate) const FAINT: &str = "(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const lanes = [...document.querySelectorAll('.lane, .recovery rect, .column.current')];
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const shown = walk.currentNode.textContent.trim() && element.getClientRects().length > 0;
    if (!shown || element.closest('script, style, button:disabled, title, desc')) continue;
    const drawn = element.closest('svg');
    const style = getComputedStyle(element);
    const colour = rgb(drawn ? style.fill : style.color);
    const grounds = drawn ? lanes.map((lane) => rgb(getComputedStyle(lane).fill)) : [behind(element)];
    for (const ground of grounds) {
      if (ground[3] === 0) continue;
      const found = colour.length > 3 ? 1 : ratio(colour, ground);
      if (found < 4.5) faint.push([walk.currentNode.textContent.slice(0, 40), style.color, ground, found]);
    }
  }
  return faint.slice(0, 5);
})()";

/// Pairs of texts in the timeline that overlap.
pub(crate) const OVERLAPS: &str = "(() => {
  const texts = [...document.querySelectorAll('#timeline .scroll #timeline-drawing text')].map((text) => {
    const box = text.getBoundingClientRect();
    return { says: text.textContent, left: box.left, right: box.right, top: box.top + 2, bottom: box.bottom - 2 };
  });
  texts.sort((a, b) => a.left - b.left);
  const over = [];
  texts.forEach((one, i) => {
    for (let j = i + 1; j < texts.length && texts[j].left < one.right - 0.5; j += 1) {
      const other = texts[j];
      if (other.top < one.bottom && one.top < other.bottom) over.push([one.says, other.says]);
    }
  });
  return over;
})()";

/// What is shown of a step is what the counterexample has there. Directories that nothing happens to are not shown.
pub(crate) fn assert_same(shown: &Value, frame: &Frame<'_>, name: &str) {
    for (side, files) in [("cached", &frame.cached), ("durable", &frame.durable)] {
        let mut expected = expected(files);
        let shown = shown[side].as_object().expect("files");
        expected.retain(|path, file| *file != json!("directory") || shown.contains_key(path));
        assert_eq!(
            shown, &expected,
            "{side} in step {} of {name}",
            frame.number
        );
    }
}

fn expected(files: &Files) -> Map<String, Value> {
    let file = |node: &Node| match node {
        Node::Directory => json!("directory"),
        Node::Cells(cells) if cells.is_empty() => json!(""),
        Node::Cells(cells) => json!(cells),
        Node::Bytes(bytes) => json!(data_encoding::HEXLOWER.encode(bytes)),
    };
    let escaped = |path: &String| path.replace('\u{202e}', "\\u{202e}");
    files
        .0
        .iter()
        .map(|(path, node)| (escaped(path), file(node)))
        .collect()
}
