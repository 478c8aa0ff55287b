// The page of one ticket. Everything here also works without it, one page at a time.
import { singleKey } from '../../lib/keys.js';
import { letterOf } from '../../palette/page.js';
import '../../lib/sent.js';
import './live.js';
import { root } from './context.js';
import { begin, walk } from './timeline.js';
import { back, next, previous } from './navigation.js';

const composer = document.getElementById('composer') ? await import('./composer.js') : null;

const letters = {
  j: next,
  k: previous,
  u: back,
  r: () => composer?.setMode('reply'),
  n: () => composer?.setMode('note'),
};
const signs = { BracketLeft: () => walk(-1), BracketRight: () => walk(1) };

document.addEventListener('keydown', (event) => {
  if (!singleKey(event)) return;
  const arrows = document.activeElement?.matches('#timeline .entry') ? { ArrowUp: () => walk(-1), ArrowDown: () => walk(1) } : {};
  const act = event.key === '/' && composer ? composer.openReplies : arrows[event.key] ?? signs[event.code] ?? letters[letterOf(event)];
  if (!act) return;
  event.preventDefault();
  act();
});

// The subject stays in sight while one reads far down.
const crumb = document.querySelector('[data-crumb-subject]');
new IntersectionObserver(([heading]) => { crumb.hidden = heading.isIntersecting; }, { rootMargin: '-48px 0px 0px' }).observe(root.querySelector('h1'));

begin();
root.dataset.ready = '';
