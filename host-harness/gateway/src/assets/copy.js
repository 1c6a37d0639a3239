// Buttons that copy a field; without a script they stay hidden.
for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
        field.select();
        try {
            await navigator.clipboard.writeText(field.value);
        } catch {
            // A page without TLS has no clipboard.
            document.execCommand("copy");
        }
        button.textContent = button.dataset.copied;
    });
}
