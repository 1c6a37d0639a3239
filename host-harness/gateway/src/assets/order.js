// Looks whether an order was paid. Nothing on the page changes before there is news, so neither focus nor history does. Before the
// payer has gone to pay it looks only when he comes back to this page, so that nobody pays twice from an old one.
const live = document.querySelector("[data-order]");
const LONGEST = 15000;
let pause = 5000;
let isOver = false;
let timer = null;

// Whether there is news; it is shown then.
async function look() {
    const response = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const news = response.ok && page.querySelector("[data-order]");
    if (!news || news.dataset.order === live.dataset.order) {
        return false;
    }
    const hadFocus = live.contains(document.activeElement);
    document.title = page.title;
    document.querySelector("h1").textContent = page.querySelector("h1").textContent;
    live.dataset.order = news.dataset.order;
    live.replaceChildren(...news.childNodes);
    if (hadFocus) {
        live.focus();
    }
    // A payment that is under way is followed until it ends.
    isOver = !("watched" in news.dataset);
    if (!isOver && timer === null) {
        follow();
    }
    return true;
}

async function glance() {
    try {
        await look();
    } catch {
        // The network is away: the next time it may be there.
    }
}

function follow() {
    timer = setTimeout(watch, pause);
}

async function watch() {
    if (!document.hidden && !isOver) {
        await glance();
    }
    if (!isOver) {
        pause = Math.min(pause * 1.2, LONGEST);
        follow();
    }
}

window.addEventListener("pageshow", (event) => event.persisted && glance());
document.addEventListener("visibilitychange", () => !document.hidden && glance());
live.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-look]")) {
        return;
    }
    event.preventDefault();
    try {
        if (!(await look())) {
            const said = live.querySelector("[data-said]");
            said.textContent = said.dataset.said + new Date().toLocaleTimeString(document.documentElement.lang);
        }
    } catch {
        location.reload();
    }
});
if ("watched" in live.dataset) {
    follow();
}
