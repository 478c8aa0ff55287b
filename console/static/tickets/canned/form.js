// The form of a canned reply: what the requester will read, while it is written. The form works without this.
const samples = JSON.parse(document.getElementById('samples').textContent);
// What the server takes for a placeholder: console/tickets/canned/placeholders.py.
const WORD = /\{[ \t]*[\p{L}\p{N}_][^{};"=\n]*\}/gu;
let last = document.querySelector('.reply-side textarea');

function show(side) {
  const values = samples[side.dataset.side];
  const text = side.querySelector('textarea').value;
  const strange = new Set();
  const filled = text.replace(WORD, (word) => {
    const name = word.slice(1, -1);
    if (Object.hasOwn(values, name)) return values[name];
    strange.add(word);
    return word;
  });
  const preview = side.querySelector('[data-preview]');
  preview.hidden = !text.trim();
  preview.querySelector('[data-text]').textContent = filled;
  preview.querySelector('[data-strange]').hidden = !strange.size;
  preview.querySelector('[data-names]').textContent = [...strange].join(', ');
}

for (const side of document.querySelectorAll('.reply-side')) {
  const text = side.querySelector('textarea');
  text.addEventListener('input', () => show(side));
  text.addEventListener('focus', () => { last = text; });
  show(side);
}

document.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-placeholder]');
  if (!chip) return;
  last.setRangeText(chip.dataset.placeholder, last.selectionStart, last.selectionEnd, 'end');
  last.dispatchEvent(new Event('input', { bubbles: true }));
  last.focus();
});
