// Showing a typed password, copying codes. Both work without: the buttons appear only where this runs.

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const visible = input.type === "text";
    input.type = visible ? "password" : "text";
    button.setAttribute("aria-pressed", String(!visible));
    input.focus();
  });
  // A password manager that saves the field must find it as what it is.
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

for (const button of document.querySelectorAll("[data-copy-text]")) {
  const label = button.querySelector("span");
  const word = label.textContent;
  button.hidden = !navigator.clipboard;
  label.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copyText);
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = word; }, 2000);
  });
}
