package parleytest

import (
	"net/http"
	"strings"
)

var network = Features{Network: true}

// badHandshake is a row whose handshake is refused before the app is called.
func badHandshake(rule string, header http.Header, status int, want http.Header) socketRow {
	return socketRow{
		rule: rule, needs: network, silent: true,
		script: SocketScript{Header: header},
		want:   SocketSeen{Status: status, Header: want, Body: anyBody, Code: 1006},
	}
}

// handshakeRows: handshakes that are none.
var handshakeRows = []socketRow{
	badHandshake("A7.handshake/no-key", http.Header{"Sec-Websocket-Key": nil}, 400, nil),
	badHandshake("A7.handshake/short-key", http.Header{"Sec-Websocket-Key": {"AAAA"}}, 400, nil),
	badHandshake("A7.handshake/two-keys", http.Header{
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="},
	}, 400, nil),
	badHandshake("A7.handshake/no-version", http.Header{"Sec-Websocket-Version": nil}, 426,
		http.Header{"Sec-Websocket-Version": {"13"}}),
	badHandshake("A7.handshake/old-version", http.Header{"Sec-Websocket-Version": {"8"}}, 426,
		http.Header{"Sec-Websocket-Version": {"13"}}),
}

// frame is a step that sends a masked frame, whatever it says.
func frame(first byte, payload string) Step {
	return Step{Do: ActSendRaw, Data: string(appendMasked(nil, first, []byte(payload)))}
}

// badFrame is a row whose client breaks the WebSocket protocol.
func badFrame(rule string, code string, closed SocketSeen, steps ...Step) socketRow {
	return socketRow{
		rule: rule, needs: network,
		script: client(steps...), app: listen, want: closed,
		said: heard(nil, `websocket.disconnect `+code+` ""`, code),
	}
}

// frameRows: what becomes of frames that are not whole messages.
var frameRows = []socketRow{
	badFrame("A7.frame/unmasked", "1002", opened(1002, ""), Step{Do: ActSendRaw, Data: "\x81\x02hi"}),
	badFrame("A7.frame/reserved-opcode", "1002", opened(1002, ""), frame(0x83, "hi")),
	badFrame("A7.frame/reserved-bit", "1002", opened(1002, ""), frame(0xc1, "hi")),
	badFrame("A7.frame/lone-continuation", "1002", opened(1002, ""), frame(0x80, "hi")),
	badFrame("A7.frame/message-in-message", "1002", opened(1002, ""), frame(0x01, "h"),
		frame(0x81, "i")),
	badFrame("A7.frame/fragmented-ping", "1002", opened(1002, ""), frame(0x09, "hi")),
	badFrame("A7.frame/close-code", "1002", opened(1002, ""), frame(0x88, "\x03\xed")), // 1005
	badFrame("A7.frame/close-one-byte", "1002", opened(1002, ""), frame(0x88, "\x03")),
	badFrame("A7.frame/close-reason", "1007", opened(1007, ""), frame(0x88, "\x03\xe8\xff")),
	badFrame("A7.frame/split-invalid-utf8", "1007", opened(1007, ""), frame(0x01, "\xc3"),
		frame(0x80, "(")),
	{
		rule: "A7.frame/fragments", needs: network,
		script: client(frame(0x01, "h\xc3"), frame(0x89, "ping"), frame(0x80, "\xa9"),
			Step{Do: ActClose, Code: 1000}),
		app:  listen,
		want: SocketSeen{Status: 101, Pongs: []string{"ping"}, Code: 1000},
		said: heard([]string{`text "hé"`}, `websocket.disconnect 1000 ""`, `closed with 1000 ""`),
	}, {
		rule: "A7.frame/message-limit-in-fragments", needs: network,
		script: client(frame(0x02, strings.Repeat("a", messageLimit)), frame(0x80, "a")),
		app:    listen,
		want:   opened(1009, ""),
		said:   heard(nil, `websocket.disconnect 1009 ""`, "1009"),
	},
}
