// The announcement is seen as visitors read it, while it is written.
for (const field of document.querySelectorAll('[data-preview-of]')) {
  const look = document.querySelector(`[data-look="${field.dataset.previewOf}"]`);
  field.addEventListener('input', () => {
    look.textContent = field.value.trim().replace(/\s+/g, ' ') || look.dataset.nothing;
  });
}
