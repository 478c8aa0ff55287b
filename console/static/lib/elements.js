// Building elements: text is always text.

/** Make an element; parts that are not there are left out. */
export function element(tag, className = '', ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ''));
  return made;
}

/** Make a button that does something. */
export function button(className, run, ...inside) {
  const made = element('button', className, ...inside);
  made.type = 'button';
  made.addEventListener('click', run);
  return made;
}
