// What is offered while one writes, in a list over the text: canned replies after "/", colleagues after "@".
import { element } from './elements.js';
import { icon } from './icons.js';
import { toast } from './dialogs.js';

const WAIT = 120;
export const REPLY = /(?:^|\s)\/([^\n/]{0,40})$/;

/** A canned reply as a line of the list; one that may not be used yet says why. */
export function replyLine(item) {
  const parts = [element('span', 'offer-title', item.title), element('span', 'mono muted', `/${item.shortcut}`), element('span', 'muted offer-category', item.category)];
  return item.locked ? [icon('lock', 'icon icon-sm'), ...parts, element('span', 'sr-only', item.locked_reason)] : parts;
}

/** What a canned reply writes: without its greeting where words stand before it, which have greeted already. */
export const replyWords = (item, before) => (before.trim() ? item.body.slice((item.greeting ?? '').length) : item.body);

/**
 * Offer completions at the cursor in `text`.
 * `kinds()` says what may be offered now. Each has `key`, `pattern` (its group is what is searched for), `find(query,
 * signal)` giving items, `line(item)` giving parts of a line, `words(item, before)` to be written after what is there, `preview(item)`, `nothing` to
 * say, and `asks` where finding goes to the server each time.
 */
export function offersFor({ text, box, opener, kinds, place = () => {} }) {
  const list = box.querySelector('[data-offers-list]');
  const preview = box.querySelector('[data-offers-preview]');
  const none = box.querySelector('[data-offers-none]');
  let open = null;     // {kind, start, query, items, at, fresh: they are the query's own, put: the first as it comes}
  let dismissed = -1;  // where Esc was pressed
  let timer, asking;

  function token() {
    if (text.selectionStart !== text.selectionEnd) return null;
    const before = text.value.slice(0, text.selectionStart);
    for (const kind of kinds()) {
      const found = kind.pattern.exec(before);
      if (found) return { kind, query: found[1], start: before.length - found[1].length - 1 };
    }
    return null;
  }

  function look() {
    const found = token();
    if (!found || found.start === dismissed) {
      if (!found) dismissed = -1;
      close();
      return;
    }
    const alike = open?.kind.key === found.kind.key ? open : null;
    if (alike?.items && alike.start === found.start && alike.query === found.query) return;
    open = { ...found, items: alike?.items ?? null, at: 0, fresh: false, put: false };
    clearTimeout(timer);
    timer = setTimeout(ask, found.kind.asks && open.items ? WAIT : 0);
  }

  async function ask() {
    const requested = open;
    if (!requested) return;
    asking?.abort();
    asking = new AbortController();
    const items = await requested.kind.find(requested.query, asking.signal).catch(() => null);
    if (open !== requested) return;
    if (!items) { close(); return; }  // the request failed: Enter is Enter again
    open.items = items;
    open.fresh = true;
    if (items.length || !/\s/.test(requested.query)) draw();
    else close();  // a slash in a sentence is a slash
    if (requested.put && open === requested) put();
  }

  function draw() {
    box.hidden = false;
    box.dataset.kind = open.kind.key;
    place(box);
    text.setAttribute('aria-controls', list.id);
    none.hidden = open.items.length > 0;
    none.textContent = open.kind.nothing;
    list.hidden = !open.items.length;
    list.replaceChildren(...open.items.map(drawOne));
    mark(0);
  }

  function drawOne(item, index) {
    const line = element('li', `offer${item.locked ? ' is-locked' : ''}`, ...open.kind.line(item));
    line.id = `${list.id}-${index}`;
    line.setAttribute('role', 'option');
    line.addEventListener('mousedown', (event) => { event.preventDefault(); mark(index); put(); });
    line.addEventListener('mousemove', () => { if (open && open.at !== index) mark(index); });
    return line;
  }

  function mark(index) {
    open.at = index;
    for (const [row, line] of [...list.children].entries()) line.setAttribute('aria-selected', String(row === index));
    const item = open.items[index];
    list.children[index]?.scrollIntoView({ block: 'nearest' });
    if (item) text.setAttribute('aria-activedescendant', list.children[index].id);
    else text.removeAttribute('aria-activedescendant');
    const previewText = item && open.kind.preview?.(item);
    preview.hidden = previewText === undefined;
    preview.textContent = previewText ?? '';
  }

  function put() {
    const item = open?.items?.[open.at];
    if (!item) return;
    if (item.locked) { toast(item.locked_reason); return; }
    const words = open.kind.words(item, text.value.slice(0, open.start));
    text.setSelectionRange(open.start, text.selectionStart);
    close();
    // Typed, not set: so that it can be undone like typing.
    if (document.execCommand('insertText', false, words)) return;
    text.setRangeText(words, text.selectionStart, text.selectionEnd, 'end');
    text.dispatchEvent(new Event('input', { bubbles: true }));
  }

  function close() {
    open = null;
    clearTimeout(timer);
    box.hidden = true;
    text.removeAttribute('aria-activedescendant');
    text.removeAttribute('aria-controls');
  }

  /** Offer canned replies where the cursor is. */
  function openReplies() {
    text.focus();
    const before = text.value.slice(0, text.selectionStart);
    dismissed = -1;
    if (!token()) document.execCommand('insertText', false, before && !/\s$/.test(before) ? ' /' : '/');
    look();
  }

  function step(by) {
    const many = open.items.length;
    mark((open.at + many + by) % many);
  }

  function take(event) {
    const many = open.items?.length ?? 0;
    if (event.key === 'Escape') {
      dismissed = open.start;
      close();
    } else if (event.key === 'ArrowDown' && many) step(1);
    else if (event.key === 'ArrowUp' && many) step(-1);
    else if ((event.key === 'Enter' || event.key === 'Tab') && !open.fresh && !event.shiftKey) open.put = true;  // of what is shown none was meant
    else if ((event.key === 'Enter' || event.key === 'Tab') && many && !event.shiftKey) put();
    else return false;
    return true;
  }

  text.addEventListener('input', look);
  text.addEventListener('click', look);
  text.addEventListener('blur', close);
  text.addEventListener('keydown', (event) => {
    if (!open || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !take(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  opener.addEventListener('click', openReplies);
  return { isOpen: () => open !== null, close, openReplies };
}
