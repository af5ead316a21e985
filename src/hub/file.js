import { Refused } from "./api.js";
import { attend, marked } from "./attend.js";
import { button, h } from "./dom.js";
import { isRecord, readable, size } from "./words.js";
/** @import { Place } from "./attend.js" */
/** @import { Control, Scene } from "./fields.js" */
/** @typedef {{ uuid: string, fileName: string, size: number }} Descriptor */

/**
 * `image/*` as `Image files`, `application/pdf` as `PDF`.
 *
 * @param {string} mime
 */
function typeOf(mime) {
  const [main = "", sub = ""] = mime.split("/");
  return sub === "*" ? `${readable(main)} files` : sub.toUpperCase();
}

/**
 * A file: it is uploaded as soon as it was chosen.
 *
 * @param {{ mime?: string[] | undefined }} field
 * @param {Place} place
 * @param {Scene} scene
 * @returns {Control}
 */
export function fileControl({ mime }, place, { call, say }) {
  let kept = isRecord(place.given) ? /** @type {Descriptor} */ (/** @type {unknown} */ (place.given)) : undefined;
  let isOurs = false;
  let upload = Promise.resolve();
  let stop = new AbortController();

  const input = h("input", { type: "file", id: place.id, required: !place.optional, accept: mime?.join(",") });
  const name = h("span", { class: "name" });
  const remove = button("Remove", drop);
  const chip = h("div", { class: "chip", role: "group", "aria-labelledby": `${place.id}-label` }, name, remove);
  const { error, note, complain } = attend(place, mime && `${mime.map(typeOf).join(", ")}.`, [input, remove]);
  const label = h("label", { for: place.id, id: `${place.id}-label` }, ...marked(place));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file !== undefined) upload = add(file);
  });
  show();

  function show() {
    name.textContent = kept === undefined ? "" : `${kept.fileName} (${size(kept.size)})`;
    remove.setAttribute("aria-label", `Remove ${kept?.fileName ?? ""}`);
    chip.hidden = kept === undefined;
    input.hidden = !chip.hidden;
  }

  /** @param {File} file */
  async function add(file) {
    stop.abort();
    const mine = (stop = new AbortController());
    const form = new FormData();
    form.append("file", file);
    complain(new Map());
    say(`Uploading ${file.name}…`);
    try {
      const { body } = await call("POST", "/api/files/cache", { body: form, signal: mine.signal });
      const isHere = document.activeElement === input || document.activeElement === document.body;
      kept = body;
      isOurs = true;
      show();
      // Whoever has gone on or back meanwhile is somewhere else.
      if (!input.isConnected) return;
      if (isHere) remove.focus();
      say(`${file.name} is uploaded.`);
    } catch (fault) {
      if (mine.signal.aborted) return;
      const { message, detail } = fault instanceof Refused ? fault : { message: "The upload failed.", detail: "" };
      say("");
      complain(new Map([[place.path, [[message, detail].filter(Boolean).join(" ")]]]));
    } finally {
      input.value = "";
    }
  }

  /** A file that was submitted before is the workflow's; it is only left out. */
  function drop() {
    if (isOurs && kept !== undefined) call("DELETE", `/api/files/cache/${kept.uuid}`).catch(() => undefined);
    say(`${kept?.fileName ?? "The file"} is removed.`);
    kept = undefined;
    isOurs = false;
    complain(new Map());
    show();
    input.focus();
  }

  return {
    node: h("div", { class: "field" }, label, note, input, chip, error),
    read: () => kept,
    complain: (faults) => (complain(faults) ? (kept === undefined ? input : remove) : undefined),
    settled: () => upload,
  };
}
