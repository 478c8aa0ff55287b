// The chat button for any site:  <script src=".../chat/widget.js" defer></script>
// Attributes of the script: data-language ("sr_Latn", "en"), data-identity (from Moj Mint), data-side ("left").
(() => {
  const script = document.currentScript;
  if (!script || window.__supportChat) return;
  window.__supportChat = true;
  const base = new URL(script.src).origin;
  const words = {{ words|safe }};
  const language = script.dataset.language || ((document.documentElement.lang || navigator.language || '').startsWith('en') ? 'en' : 'sr_Latn');
  const title = document.title;
  let open = false;

  const host = document.createElement('div');
  host.setAttribute('data-support-chat', '');
  const root = host.attachShadow({ mode: 'open' });
  // A circle without words covers less of a page: on a phone, and in the portal, whose menu has the chat's name.
  const round = 'button { width: 3rem; padding: 0; gap: 0; justify-content: center; } button span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } b { position: absolute; inset: -.25rem -.25rem auto auto; }';
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial; position: fixed; z-index: 2147483000; bottom: calc(1.25rem + var(--support-chat-foot, 0px)); ${script.dataset.side === 'left' ? 'left' : 'right'}: 1.25rem; color-scheme: light dark; }
    button { display: inline-flex; align-items: center; gap: .5rem; height: 3rem; padding: 0 1.25rem; border: 0; border-radius: 1.5rem; background: {{ color }}; color: {{ ink }}; font: 600 1rem/1 system-ui, sans-serif; box-shadow: 0 6px 24px rgb(0 0 0 / .22); cursor: pointer; }
    button:focus-visible { outline: 3px solid {{ color }}; outline-offset: 3px; }
    svg { width: 1.25rem; height: 1.25rem; }
    b { display: grid; place-items: center; min-width: 1.25rem; height: 1.25rem; padding: 0 .25rem; box-sizing: border-box; border-radius: .625rem; background: {{ ink }}; color: {{ color }}; font-size: .75rem; }
    [hidden] { display: none; }
    iframe { display: block; position: fixed; bottom: calc(1.25rem + var(--support-chat-foot, 0px)); ${script.dataset.side === 'left' ? 'left' : 'right'}: 1.25rem; width: 23.5rem; max-width: calc(100vw - 2.5rem); height: min(39rem, calc(100vh - 2.5rem - var(--support-chat-foot, 0px))); border: 0; border-radius: .875rem; box-shadow: 0 12px 48px rgb(0 0 0 / .28); color-scheme: light dark; }
    iframe[hidden] { display: none; }
    ${script.dataset.identity ? round : `@media (max-width: 30rem) { ${round} }`}
    @media (max-width: 30rem) { iframe { inset: 0; width: 100vw; max-width: none; height: 100dvh; border-radius: 0; } }
    @media print { :host { display: none; } }`);
  root.adoptedStyleSheets = [style];

  const button = document.createElement('button');
  button.type = 'button';
  button.setAttribute('aria-expanded', 'false');
  button.innerHTML = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M2.5 3.5h11v7.5H8L4.5 13.5V11h-2z"/></svg><span></span><b hidden></b>';
  button.querySelector('span').textContent = words.open;
  button.title = words.open;
  const frame = document.createElement('iframe');
  frame.title = words.frame;
  frame.hidden = true;
  root.append(button, frame);

  function load() {
    if (frame.src) return;
    // What stands behind # goes to no server and into no log.
    const hash = script.dataset.identity ? `#identity=${encodeURIComponent(script.dataset.identity)}` : '';
    frame.src = `${base}/chat/frame?lang=${encodeURIComponent(language)}&page=${encodeURIComponent(location.href.slice(0, 300))}${hash}`;
  }
  function tell(message) { frame.contentWindow?.postMessage({ supportChat: true, ...message }, base); }
  function show(value) {
    open = value;
    load();
    frame.hidden = !value;
    button.hidden = value;
    button.setAttribute('aria-expanded', String(value));
    remember(value);
    tell({ shown: value });
    if (value) frame.focus(); else button.focus();
  }
  function remember(value) { try { sessionStorage.setItem('support-chat', value ? 'open' : 'shut'); } catch { /* no storage here */ } }
  function unread(count) {
    const badge = button.querySelector('b');
    badge.hidden = !count;
    badge.textContent = count > 99 ? '99+' : String(count);
    document.title = count ? `(${count}) ${title}` : title;
  }

  button.addEventListener('click', () => show(true));
  frame.addEventListener('load', () => tell({ shown: open }));
  window.addEventListener('message', (event) => {
    if (event.origin !== base || event.source !== frame.contentWindow || !event.data?.supportChat) return;
    if (event.data.close) show(false);
    if (event.data.open) show(true);
    if (typeof event.data.unread === 'number') unread(event.data.unread);
  });
  (document.body || document.documentElement).append(host);
  let before = null;
  try { before = sessionStorage.getItem('support-chat'); } catch { /* no storage here */ }
  if (before === 'open' || script.dataset.open !== undefined) show(true);
  else if (before) load();  // a conversation may go on: its news show on the button
  window.supportChat = { open: () => show(true), close: () => show(false) };
})();
