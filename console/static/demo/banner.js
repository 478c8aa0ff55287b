// The demo's banner: its clock runs, and it folds; a cookie remembers how, so that the next page is drawn right.
import { remember } from '../lib/cookies.js';
import { now } from '../lib/times.js';

const banner = document.querySelector('[data-demo]');
const fold = banner.querySelector('[data-demo-fold]');
const time = banner.querySelector('[data-demo-clock]');
const PHONE = matchMedia('(max-width: 860px)');

// The day is the server's word; at midnight the page gets it with its next request.
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: time.dataset.demoClock });

function tick() {
  const text = time.textContent.replace(/\d\d:\d\d$/, hour.format(now()));
  if (text !== time.textContent) time.textContent = text;
}

const isOpen = () => (banner.dataset.demoOpen ? banner.dataset.demoOpen === 'yes' : !PHONE.matches);
const tell = () => fold.setAttribute('aria-expanded', String(isOpen()));

fold.addEventListener('click', () => {
  const open = !isOpen();
  banner.dataset.demoOpen = open ? 'yes' : 'no';
  remember('demo', open ? 'open' : 'small');
  tell();
});
PHONE.addEventListener('change', tell);

fold.hidden = false;
banner.dataset.ready = '';
tell();
tick();
setInterval(tick, 1000);
