// Typing a goal means that the department has its own: the tick follows.
const form = document.querySelector('[data-goals]');

form?.addEventListener('input', ({ target }) => {
  if (target.type !== 'text' || !target.value.trim()) return;
  const own = target.closest('[role=group]').querySelector('[data-own]');
  if (own) own.checked = true;
});
