// A WebSocket client over Node's HTTP/2: it visits two rooms of the server that is its
// argument and prints what it saw.
import http2 from "node:http2"

const session = http2.connect(process.argv[2], {rejectUnauthorized: false})
const settings = await new Promise(done => session.once("remoteSettings", done))
if (!settings.enableConnectProtocol) throw new Error("the server takes no extended CONNECT")

// frame makes a frame of a client; its mask is of zeros.
const frame = (opcode, payload) =>
	Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload])

// frames takes the frames that are whole off the front of what was received.
function* frames(received) {
	while (received.bytes.length >= 2) {
		const end = 2 + received.bytes[1]
		if (received.bytes.length < end) return
		yield {opcode: received.bytes[0] & 0x0f, payload: received.bytes.subarray(2, end)}
		received.bytes = received.bytes.subarray(end)
	}
}

const visit = room => new Promise((done, fail) => {
	const seen = {Opened: false, Heard: null, Code: 1006, Reason: ""}
	const received = {bytes: Buffer.alloc(0)}
	const stream = session.request({
		":method": "CONNECT", ":protocol": "websocket", ":path": "/rooms/" + room,
		"sec-websocket-version": "13",
	})
	stream.on("response", head => {
		seen.Opened = head[":status"] === 200
		if (seen.Opened) seen.Heard = []
		else { seen.Code = head[":status"]; stream.end() }
	})
	stream.on("data", chunk => {
		if (!seen.Opened) return
		received.bytes = Buffer.concat([received.bytes, chunk])
		for (const {opcode, payload} of frames(received)) {
			if (opcode === 8) {
				seen.Code = payload.readUInt16BE()
				seen.Reason = payload.subarray(2).toString()
				stream.end(frame(8, payload.subarray(0, 2)))
			} else {
				seen.Heard.push(payload.toString())
				stream.write(frame(1, Buffer.from(seen.Heard.length === 1 ? "hello" : "")))
			}
		}
	})
	stream.on("error", fail)
	stream.on("close", () => done(seen))
})

console.log(JSON.stringify([await visit("blue"), await visit("closed")]))
session.close()
