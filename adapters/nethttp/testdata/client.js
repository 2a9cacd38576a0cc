// Talks to the echo of clients_test.go with the ws package and prints what it saw.
const WebSocket = require("ws");
const base = process.argv[2];

function talk() {
  return new Promise((resolve, reject) => {
    const seen = [];
    const ws = new WebSocket(base + "/echo", ["v1", "v2"]);
    const send = [() => ws.send("text \u00e9"), () => ws.send(Buffer.from([0, 1, 255])), () => ws.send("close me")];
    ws.on("open", () => { seen.push("open " + ws.protocol); send.shift()(); });
    ws.on("message", (data, binary) => {
      seen.push(binary ? "binary " + data.toString("hex") : "text " + data);
      send.shift()();
    });
    ws.on("close", (code, reason) => { seen.push("closed " + code + " " + reason); resolve(seen); });
    ws.on("error", reject);
  });
}

function leave() {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(base + "/left");
    ws.on("open", () => ws.close(4002, "had enough"));
    ws.on("close", (code) => resolve(["left " + code]));
    ws.on("error", reject);
  });
}

function denied() {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(base + "/denied");
    ws.on("unexpected-response", (request, response) => {
      const socket = response.socket;
      let body = "";
      response.on("data", (part) => { body += part; });
      response.on("end", () => {
        socket.destroy(); // it would keep the program alive
        resolve(["denied " + response.statusCode + " " + body]);
      });
    });
    ws.on("open", () => reject(new Error("was let in")));
    ws.on("error", reject);
  });
}

(async () => {
  for (const part of [talk, leave, denied]) {
    for (const line of await part()) console.log(line);
  }
})().catch((err) => { console.error(err); process.exit(1); });
