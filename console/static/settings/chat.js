// The announcement is seen as visitors read it, while it is written.
for (const field of document.querySelectorAll('[data-said]')) {
  const look = document.querySelector(`[data-look="${field.dataset.said}"]`);
  field.addEventListener('input', () => {
    look.textContent = field.value.trim().replace(/\s+/g, ' ') || look.dataset.nothing;
  });
}
