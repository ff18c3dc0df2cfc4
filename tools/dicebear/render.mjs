// Draws faces: `node render.mjs faces.json pixels` (started by `python -m tools.faces`).
//
// In: a JSON list of faces, each with the options of DiceBear's "Personas" (one exact value each, facialHair null for
// none) and a background. Out: for each face 64 x 64 pixels of three bytes, RGB.
// Everything random stays outside: a face depends on its options alone. The renderer is WebAssembly, so that it
// computes the same on every processor and system.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

import { createAvatar } from "@dicebear/core";
import * as personas from "@dicebear/personas";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

const SIZE = 64;
const FINER = 2; // drawn in 128 x 128 pixels, edges smoothed, then averaged: from 256 x 256 nobody sees a difference
const FRAME = "7 4 50 50"; // of the design's 64 x 64 units: the face fills the picture, the shirt stays visible

// The part of the picture that begins with `translate(at)`: from there to where the next part begins.
const part = (at, next) => new RegExp(`<g transform="translate\\(${at}\\)">.*?(?=${next})`, "s");
const LAUGH = 'd="M6 3h6v1a3 3 0 0 1-6 0V3Z"';
const MOUTH = part("23 36", '<g transform="translate\\(24 28\\)">');
const BEARD = part("14 26", "</g></svg>$");

// What is changed in the design, [what, by what, only where]; each must occur exactly once where it applies.
const changes = (face) => [
  [/viewBox="[^"]*"/, `viewBox="${FRAME}"`],
  // the white light on the face made dark skin grey
  ['opacity=".36"/></g><g transform="translate(20 24)"', 'opacity=".12"/></g><g transform="translate(20 24)"'],
  // shorter necks: more of the shirt is seen
  ["translate(11 44)", `translate(11 ${face.body === "small" ? 42.5 : 40})`],
  // lighter checks, which are still seen at 64 x 64
  ['lighten" opacity=".17"', 'lighten" opacity=".34"', face.body === "checkered"],
  // a dark line around the laughing mouth: white on light skin was hard to see
  [`${LAUGH} fill="#fff"`, `${LAUGH} fill="#fff" stroke="#1B0640" stroke-width=".9"`, face.mouth === "bigSmile"],
  // the full beard leaves the mouth free, which brought a laugh of its own
  ['fill="#FFFEFD"', `fill="#${face.skinColor}"`, face.facialHair === "beardMustache"],
  // beanies come in the hair's colour
  ['fill="#E15C66"', `fill="#${face.hairColor}"`, face.hair === "beanie"],
];

function draw(face) {
  const { background, facialHair, ...others } = face;
  const options = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, [value]]));
  const beard = facialHair ? { facialHair: [facialHair], facialHairProbability: 100 } : { facialHairProbability: 0 };
  let svg = createAvatar(personas, { seed: "", ...options, ...beard }).toString();
  for (const [what, replacement, applies = true] of changes(face)) {
    if (!applies) continue;
    const parts = svg.split(what);
    if (parts.length !== 2) throw new Error(`${what} occurs ${parts.length - 1} times; is this another version?`);
    svg = parts.join(replacement);
  }
  const mouth = svg.match(MOUTH)[0]; // drawn after the beard, so that no beard hides it
  return svg.replace(mouth, "").replace(BEARD, (found) => found + mouth);
}

function averaged(pixels) {
  // RGBA of (FINER * SIZE)^2 pixels -> RGB of SIZE^2 pixels, each the rounded mean of FINER^2 of them.
  const sums = new Uint32Array(3 * SIZE * SIZE);
  for (let y = 0, from = 0; y < FINER * SIZE; y++) {
    for (let x = 0, to = 3 * SIZE * ((y / FINER) | 0); x < SIZE; x++, to += 3) {
      for (let i = 0; i < FINER; i++, from += 4) {
        for (let channel = 0; channel < 3; channel++) sums[to + channel] += pixels[from + channel];
      }
    }
  }
  return Uint8Array.from(sums, (sum) => Math.floor(sum / FINER ** 2 + 0.5));
}

const [faces, destination] = process.argv.slice(2);
await initWasm(readFileSync(createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm")));
const out = openSync(destination, "w");
for (const face of JSON.parse(readFileSync(faces, "utf8"))) {
  const fitTo = { mode: "width", value: FINER * SIZE };
  const renderer = new Resvg(draw(face), { background: `#${face.background}`, fitTo });
  const image = renderer.render();
  const pixels = image.pixels;
  if (pixels.length !== 4 * (FINER * SIZE) ** 2) throw new Error(`the picture is ${image.width} x ${image.height}`);
  writeSync(out, averaged(pixels));
  image.free();
  renderer.free();
}
closeSync(out);
