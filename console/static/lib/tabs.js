// Tabs that do not fit move, in their order, into a menu behind them; the open one stays in sight.

function fit(list, menu, tabs) {
  const rest = menu.querySelector('[data-tabs-rest]');
  list.append(...tabs);
  menu.hidden = true;
  if (list.scrollWidth <= list.clientWidth) return;
  menu.hidden = false;
  for (const tab of tabs.toReversed()) {
    if (list.scrollWidth <= list.clientWidth) break;
    if (!tab.querySelector('[aria-current]')) rest.prepend(tab);
  }
}

for (const box of document.querySelectorAll('[data-tabs]')) {
  const list = box.querySelector('.nav-tabs');
  const menu = box.querySelector('[data-tabs-more]');
  const tabs = [...list.children];
  // A count that comes or goes changes what fits; our own moving is not looked at.
  const counts = new MutationObserver(refit);
  function refit() {
    counts.disconnect();
    if (!menu.open) fit(list, menu, tabs);
    counts.observe(box, { subtree: true, childList: true, attributes: true, attributeFilter: ['hidden'] });
  }
  new ResizeObserver(refit).observe(box);
  document.fonts.ready.then(refit);  // other letters are wider
  menu.addEventListener('toggle', () => { if (!menu.open) refit(); });
}
