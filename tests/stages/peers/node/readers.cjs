// Readers of forms that Node has: busboy, formidable, and the one behind fetch, which is a browser's.
//
// POST /busboy, /formidable, /fetch: a JSON list of the parts, in their order where the reader tells it.

const { createHash } = require("node:crypto");
const http = require("node:http");
const { Writable } = require("node:stream");
const busboy = require("busboy");
const formidable = require("formidable");

function part(name, filename, type, bytes) {
  const hash = createHash("sha256");
  let length = 0;
  for (const piece of bytes) {
    hash.update(piece);
    length += piece.length;
  }
  return { name, filename: filename ?? null, type: type ?? null, length, sha256: hash.digest("hex") };
}

const readers = {
  busboy(request) {
    return new Promise((resolve, reject) => {
      const limits = { fileSize: Infinity, fieldSize: Infinity };
      const reader = busboy({ headers: request.headers, defParamCharset: "utf8", limits });
      const parts = [];
      reader.on("field", (name, value) => parts.push(part(name, null, null, [Buffer.from(value)])));
      reader.on("file", (name, file, { filename, mimeType }) => {
        const hash = createHash("sha256");
        let length = 0;
        file.on("data", (piece) => {
          hash.update(piece);
          length += piece.length;
        });
        file.on("end", () => parts.push({ name, filename, type: mimeType, length, sha256: hash.digest("hex") }));
      });
      reader.on("close", () => resolve(parts));
      reader.on("error", reject);
      request.pipe(reader);
    });
  },

  async formidable(request) {
    const parts = [];
    const form = formidable.formidable({ allowEmptyFiles: true, minFileSize: 0, maxFieldsSize: 1 << 24 });
    form.onPart = (stream) => {
      const pieces = [];
      stream.on("data", (piece) => pieces.push(Buffer.from(piece)));
      stream.on("end", () => {
        const { name, originalFilename, mimetype } = stream;
        parts.push(part(name, originalFilename, originalFilename ? mimetype : null, pieces));
      });
    };
    await form.parse(request);
    return parts;
  },

  async fetch(request) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const answer = new Response(Buffer.concat(pieces), { headers: { "content-type": request.headers["content-type"] } });
    const parts = [];
    for (const [name, value] of await answer.formData()) {
      const isFile = typeof value !== "string";
      const bytes = isFile ? Buffer.from(await value.arrayBuffer()) : Buffer.from(value);
      parts.push(part(name, isFile ? value.name : null, isFile ? value.type : null, [bytes]));
    }
    return parts;
  },

  // Reads on without looking.
  discard(request) {
    return new Promise((resolve, reject) => {
      let length = 0;
      const sink = new Writable({ write: (piece, _, next) => ((length += piece.length), next()) });
      sink.on("finish", () => resolve([{ length }]));
      request.on("error", reject).pipe(sink);
    });
  },
};

const server = http.createServer(async (request, response) => {
  const reader = readers[request.url.slice(1)];
  try {
    const parts = await reader(request);
    response.end(JSON.stringify(parts));
  } catch (error) {
    response.statusCode = 400;
    response.end(JSON.stringify([{ error: String(error) }]));
  }
});
server.requestTimeout = 0;
server.listen(Number(process.argv[2]), "127.0.0.1");
