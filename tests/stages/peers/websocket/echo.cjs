// A WebSocket server on 127.0.0.1 by Node's ws: node echo.cjs PORT [CERTIFICATE KEY]. Its routes are those of echo.py.
// permessage-deflate is agreed to where the client offers it.

const { createHash } = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { setTimeout: sleep } = require("node:timers/promises");
const { WebSocketServer } = require("ws");

const [port, certificate, key] = process.argv.slice(2);
const server = certificate
  ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : http.createServer();
const sockets = new WebSocketServer({
  server,
  maxPayload: 256 * 1024 * 1024,
  perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => ["superchat", "chat"].find((name) => offered.has(name)) ?? false,
});

sockets.on("connection", (socket, request) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const [, route, place] = pathname.split("/");
  const number = (name, otherwise) => Number(searchParams.get(name) ?? otherwise);
  socket.on("error", () => {});
  // One thing after the other, in the order in which messages came.
  let last = Promise.resolve();
  const then = (step) => (last = last.then(step).catch(() => socket.terminate()));
  switch (route) {
    case "echo": {
      const chance = searchParams.has("seed") ? random(number("seed", 0)) : null;
      const [most, delay] = [number("most", 1000), number("delay", 0.005)];
      socket.on("message", (data, binary) =>
        then(() => (chance ? inFragments(socket, data, binary, chance, most, delay) : send(socket, data, { binary }))),
      );
      break;
    }
    case "both": {
      const hash = createHash("sha256");
      let messages = 0;
      let bytes = 0;
      const sent = sendAll(socket, Number(place), number("size", 1000), number("seed", 0));
      sent.catch(() => socket.terminate());
      socket.on("message", (data, binary) => {
        if (!binary && data.toString() === "end") {
          const report = JSON.stringify({ messages, bytes, sha256: hash.digest("hex") });
          then(() => sent.then(() => send(socket, report)).then(() => socket.close(1000)));
          return;
        }
        messages += 1;
        bytes += data.length;
        hash.update(data);
      });
      break;
    }
    case "close":
      socket.once("message", () => socket.close(Number(place), searchParams.get("reason") ?? ""));
      break;
    case "ping": {
      let left = Number(place);
      const next = () => {
        if (left > 0) {
          left -= 1;
          socket.ping(String(left));
        } else {
          then(() => send(socket, place)).then(() => socket.close(1000));
        }
      };
      socket.on("pong", next);
      next();
      break;
    }
    default:
      socket.close(4404, "no such route");
  }
});

function send(socket, data, options = {}) {
  return new Promise((resolve, reject) => {
    socket.send(data, options, (error) => (error ? reject(error) : resolve()));
  });
}

async function inFragments(socket, data, binary, chance, most, delay) {
  let rest = data;
  do {
    const length = Math.floor(chance() * (most + 1));
    const fragment = rest.subarray(0, length);
    rest = rest.subarray(length);
    await send(socket, fragment, { binary, fin: rest.length === 0 });
    await sleep(chance() * delay * 1000);
  } while (rest.length > 0);
}

async function sendAll(socket, count, size, seed) {
  for (let index = 0; index < count; index += 1) {
    const message = Buffer.alloc(Math.max(size, 4));
    for (let at = 4; at < size; at += 1) {
      message[at] = (seed + index + at) % 256;
    }
    message.writeUInt32BE(index);
    await send(socket, message);
  }
  socket.ping();
}

// From 0 to 1, always the same for a seed: a linear congruential generator.
function random(seed) {
  let state = seed;
  return () => {
    state = Number((BigInt(state) * 1103515245n + 12345n) % 2n ** 31n);
    return state / 2 ** 31;
  };
}

server.listen(Number(port), "127.0.0.1");
