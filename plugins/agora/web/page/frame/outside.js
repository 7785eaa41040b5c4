// Links to Airflow's own pages, and downloads. The frame that Airflow puts the page into may neither navigate
// it away nor download in every place, so such a link is followed by the document around the frame.

export function leadLinksOutside() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-outside]");
    if (!link || window.parent === window) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      window.parent.open(link.href);
      return;
    }
    const twin = window.parent.document.createElement("a");
    twin.href = link.href;
    if (link.hasAttribute("download")) twin.download = link.download;
    twin.click();
  });
}
