// Reading a chart: the values of the column under the pointer, or chosen with the arrow keys, appear below it.
for (const box of document.querySelectorAll('[data-graph]')) read(box);

function read(box) {
  const columns = [...box.querySelectorAll('.graph-column')];
  const line = box.parentElement.querySelector('[data-graph-read]');
  if (!columns.length || !line) return;
  const hint = line.firstElementChild;
  let here = -1;

  function show(place) {
    if (place === here) return;
    columns[here]?.classList.remove('is-here');
    here = place;
    columns[here]?.classList.add('is-here');
    line.replaceChildren(here < 0 ? hint : columns[here].dataset.words);
  }

  box.addEventListener('pointermove', (event) => {
    const drawing = box.querySelector('svg:not(.graph-axis)').getBoundingClientRect();
    const place = Math.floor((event.clientX - drawing.left) / drawing.width * columns.length);
    show(place >= 0 && place < columns.length ? place : -1);
  });
  box.addEventListener('pointerleave', () => { if (document.activeElement !== box) show(-1); });
  box.addEventListener('blur', () => show(-1));
  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = columns.length - 1;
    const to = { ArrowRight: Math.min(here + 1, last), ArrowLeft: Math.max(here < 0 ? last : here - 1, 0), Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
}
