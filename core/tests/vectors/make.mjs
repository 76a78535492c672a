// Writes the vectors of ../convert.rs: what a JavaScript engine makes of values. Run it with `node make.mjs` in this
// directory; it writes the same files each time.
//
// number64.txt   the bits of an f64 in hexadecimal, a space, String(number)
// number32.txt   the same for an element of a Float32Array
// string.jsonl   [string, JSON.stringify(string), encodeURIComponent(string)]
// value.jsonl    [JSON.stringify(value), the query string or null, String(value) or null if it is an object or array]

import { writeFileSync } from "node:fs";

// A small generator of its own, so that the files do not depend on the engine's.
let state = 0x9e3779b9;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

const view = new DataView(new ArrayBuffer(8));

function doubleFromBits(high, low) {
  view.setUint32(0, high);
  view.setUint32(4, low);
  return view.getFloat64(0);
}

function number64Line(number) {
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, "0") + " " + String(number);
}

function number32Line(number) {
  const [element] = Float32Array.of(number);
  view.setFloat32(0, element);
  return view.getUint32(0).toString(16).padStart(8, "0") + " " + String(element);
}

const notable = [
  0, -0, NaN, Infinity, -Infinity, 1, -1, 1.5, 0.1, 0.2, 0.1 + 0.2, 1 / 3, 2 / 3, 100, 1e5, 123456.789,
  1e20, 1e21, 1e22, 123456789012345680000, 999999999999999900000, 1e-5, 1e-6, 1e-7, 1.5e-7, 0.000001234, 5e-324,
  2.2250738585072014e-308, 2.225073858507201e-308, Number.MAX_VALUE, -Number.MAX_VALUE, Number.EPSILON, Math.PI, Math.E,
  2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, 2 ** 70, 9007199254740993, 4.35, 0.615, 10.235,
];

const numbers = [
  ...notable,
  ...times(633, (i) => Number(`1e${i - 324}`)),
  ...times(200, (i) => Number(`${1 + below(999)}.${below(1e6)}e${below(50) - 25}`)),
  ...times(300, () => 2 ** (below(2098) - 1074)),
  ...times(300, () => below(1e9) * 10 ** below(14)),
  ...times(300, () => (below(2e7) - 1e7) / 10 ** below(8)),
  ...times(900, () => doubleFromBits(below(2 ** 32), below(2 ** 32))),
];

const singles = [
  ...notable,
  1e38, 3.4028235e38, 1.4e-45, 16777216, 16777217,
  ...times(300, () => (below(2e6) - 1e6) / 10 ** below(6)),
  ...times(100, () => 2 ** (below(277) - 149)),
];

const pools = [
  times(128, (i) => String.fromCodePoint(i)),
  [..."abcdefghijklmnopqrstuvwxyz0123456789 _-."],
  [..."é ñ ü ß € ₹ 中文 日本語 한국 العربية"],
  ["😀", "👩‍💻", "🇨🇳", "\u{10FFFF}", "\u{10000}", "\uFFFF", "\uE000", "\uD7FF", "\u2028", "\u2029", "\uFEFF"],
];

function string(longest) {
  const pool = pick(pools);
  return times(below(longest), () => (random() < 0.1 ? pick(pick(pools)) : pick(pool))).join("");
}

const points = [...times(0x180, (i) => i), 0x7ff, 0x800, 0x2027, 0x2028, 0x2029, 0x202a, 0x4e2d, 0xd7ff, 0xe000, 0xfeff,
  0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff];

const strings = [
  "",
  ...points.map((point) => String.fromCodePoint(point)),
  times(128, (i) => String.fromCodePoint(i)).join(""),
  ...times(33, (i) => "x".repeat(i) + '"' + "y".repeat(32 - i)),
  ...times(200, () => string(40)),
];

function scalar() {
  switch (below(6)) {
    case 0: return null;
    case 1: return random() < 0.5;
    case 2: return below(2001) - 1000;
    case 3: return pick(numbers);
    default: return string(12);
  }
}

function value(depth) {
  const kind = depth > 0 ? below(4) : 3;
  if (kind === 0) return times(below(5), () => value(depth - 1));
  if (kind === 1) return object(depth);
  return scalar();
}

function object(depth) {
  return Object.fromEntries(times(below(6), () => [random() < 0.1 ? String(below(20)) : string(8), value(depth - 1)]));
}

const isObject = (v) => typeof v === "object" && v !== null;

// The query string form of requirement REQ-09.
function query(object) {
  const pair = (key, v) => {
    if (v === null) return encodeURIComponent(key);
    return encodeURIComponent(key) + "=" + encodeURIComponent(isObject(v) ? JSON.stringify(v) : String(v));
  };
  const pairs = ([key, v]) => (Array.isArray(v) ? v.map((element) => pair(key, element)) : [pair(key, v)]);
  return Object.entries(object).flatMap(pairs).join("&");
}

// Only what JSON can carry to the test: a NaN or an infinity would be a null there.
function plain(v) {
  if (typeof v === "number" && !Number.isFinite(v)) return 0;
  if (Array.isArray(v)) return v.map(plain);
  return isObject(v) ? Object.fromEntries(Object.entries(v).map(([key, inner]) => [key, plain(inner)])) : v;
}

function valueLine(v) {
  const json = JSON.stringify(v);
  return JSON.stringify([json, isObject(v) && !Array.isArray(v) ? query(v) : null, isObject(v) ? null : String(v)]);
}

const values = [
  ...[null, true, false, 0, -0, 1e21, "", "a b", [], {}, [[]], [{}], { a: {} }, { a: [] }, { a: [[]] }, { "": "" }],
  ...[{ a: null }, { a: [null] }, { a: [1, null, "x", [2, "&"], { b: "=" }], c: true, d: 1e21, e: "ä ö" }],
  ...times(300, () => object(3)),
  ...times(30, () => value(5)),
].map(plain);

const write = (name, lines) => writeFileSync(new URL(name, import.meta.url), lines.join("\n") + "\n");
write("number64.txt", numbers.map(number64Line));
write("number32.txt", singles.map(number32Line));
write("string.jsonl", strings.map((s) => JSON.stringify([s, JSON.stringify(s), encodeURIComponent(s)])));
write("value.jsonl", values.map(valueLine));
