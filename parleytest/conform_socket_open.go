package parleytest

import (
	"net/http"
	"strings"
	"sync"

	"github.com/parleygo/parley"
)

// socketSendRows: what the app sends on an open socket.
var socketSendRows = []socketRow{
	{
		rule: "A7.send",
		app: func(c *call) error {
			c.accept()
			return c.quietly(parley.Text("text"), parley.Prepare(parley.Text("prepared")).Send(),
				parley.Text(""))
		},
		want: opened(1000, "", "text", "prepared", ""),
	}, {
		rule: "A7.send/binary",
		app:  func(c *call) error { c.accept(); return c.quietly(parley.Binary([]byte{0xff})) },
		want: SocketSeen{
			Status: 101, Code: 1000,
			Messages: []parley.WebSocketReceive{{Type: parley.BinaryMessage, Data: []byte{0xff}}},
		},
	}, {
		rule: "A7.send/large",
		app:  func(c *call) error { c.accept(); return c.quietly(parley.Text(large)) },
		want: opened(1000, "", large),
	}, {
		rule: "A7.send/concurrent",
		app:  sendMany,
		want: opened(1000, "", repeated("one of many", manyMessages)...),
	}, {
		rule: "A7.invalid-text",
		app: func(c *call) error {
			c.accept()
			c.send(parley.Text("\xff"))
			return c.quietly(parley.Text("still here"))
		},
		want: opened(1000, "", "still here"),
		said: []string{refused(parley.WebSocketSend{}, "A7.invalid-text", parley.ErrInvalidText)},
	}, {
		rule: "A7.invalid-text/prepared",
		app: func(c *call) error {
			c.accept()
			c.send(parley.Prepare(parley.Text("\xff")).Send())
			return c.quietly(parley.Text("still here"))
		},
		want: opened(1000, "", "still here"),
		said: []string{refused(parley.WebSocketSend{}, "A7.invalid-text", parley.ErrInvalidText)},
	},
}

// large is a message that no buffer on the way holds.
var large = strings.Repeat("large message ", 1<<16)

// manyMessages are sent by as many goroutines.
const manyMessages = 64

func sendMany(c *call) error {
	c.accept()
	var all sync.WaitGroup
	for range manyMessages {
		all.Go(func() { c.quietly(parley.Text("one of many")) })
	}
	all.Wait()
	return nil
}

// socketCloseRows: sockets that this side ends.
var socketCloseRows = []socketRow{
	{
		rule:  "A7.return-after-accept",
		app:   func(c *call) error { return c.accept() },
		want:  opened(1000, ""),
		cause: parley.ErrFinished,
	}, {
		rule: "A7.error-after-accept",
		app:  func(c *call) error { c.accept(); return errSelf },
		want: opened(1011, ""),
	}, {
		rule: "A7.error-after-accept/nil-pointer",
		app:  func(c *call) error { c.accept(); return nilPointer },
		want: opened(1011, ""),
	}, {
		rule: "A7.panic-after-accept/nil-pointer",
		app:  func(c *call) error { c.accept(); panic(nilPointer) },
		want: opened(1011, ""),
	}, {
		rule: "A7.panic-after-accept",
		app:  func(c *call) error { c.accept(); panic(secret) },
		want: opened(1011, ""),
	}, {
		rule: "A7.abort-after-accept",
		app:  func(c *call) error { c.accept(); panic(http.ErrAbortHandler) },
		want: opened(1006, ""),
	}, {
		rule: "A7.abort-before-accept",
		app:  func(*call) error { panic(http.ErrAbortHandler) },
		want: SocketSeen{Truncated: true, Code: 1006},
	}, {
		rule: "A7.error-after-accept/close-error",
		app:  func(c *call) error { c.accept(); return &parley.CloseError{Code: 4001, Reason: "bye"} },
		want: opened(4001, "bye"),
	}, {
		rule: "A7.error-after-accept/cause",
		app:  func(c *call) error { c.accept(); return parley.ErrRateLimited },
		want: opened(4429, ""),
	}, {
		rule: "A7.error-after-accept/disconnected",
		app:  func(c *call) error { c.accept(); return parley.ErrDisconnected },
		want: opened(1000, ""),
	}, {
		rule: "A7.close",
		app: func(c *call) error {
			c.accept()
			c.quietly(parley.Text("last"))
			return c.send(parley.WebSocketClose{Code: 4001, Reason: "bye"})
		},
		want: opened(4001, "bye", "last"),
		said: []string{"websocket.close: ok"},
	}, {
		rule: "A7.close/no-code",
		app:  func(c *call) error { c.accept(); return c.send(parley.WebSocketClose{}) },
		want: opened(1000, ""),
		said: []string{"websocket.close: ok"},
	}, {
		rule: "A7.close/long-reason",
		app:  func(c *call) error { c.accept(); return c.send(parley.WebSocketClose{Reason: long}) },
		want: opened(1000, strings.Repeat("a", 122)),
		said: []string{"websocket.close: ok"},
	}, {
		rule: "A7.close-code",
		app: func(c *call) error {
			c.accept()
			for _, code := range []parley.CloseCode{999, 1004, 1005, 1006, 1015, 2999, 5000} {
				c.send(parley.WebSocketClose{Code: code})
			}
			return nil
		},
		want: opened(1000, ""),
		said: repeated(refused(parley.WebSocketClose{}, "A7.close-code", parley.ErrInvalidCloseCode), 7),
	}, {
		rule: "A7.send-after-close",
		app: func(c *call) error {
			c.accept()
			c.quietly(parley.WebSocketClose{Code: 4001, Reason: "bye"})
			c.send(parley.Text("late"))
			c.send(parley.WebSocketClose{Code: 4001, Reason: "bye"}) // the same again does no harm
			return c.send(parley.WebSocketClose{Code: 4002})
		},
		want: opened(4001, "bye"),
		said: []string{
			refused(parley.WebSocketSend{}, "A7.send-after-close", parley.ErrClosed),
			"websocket.close: ok",
			refused(parley.WebSocketClose{}, "A7.send-after-close", parley.ErrClosed),
		},
	},
}

func repeated(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// listen accepts and then notes everything that it receives, and the end again.
func listen(c *call) error {
	c.accept()
	for {
		event := c.receive()
		if _, message := event.(parley.WebSocketReceive); !message {
			break
		}
	}
	c.receive()
	c.send(parley.Text("late"))
	c.gone()
	return nil
}

// heard is the log of listen.
func heard(messages []string, disconnect, cause string) []string {
	return append(messages, disconnect, disconnect, "websocket.send: disconnected", "cause: "+cause)
}

// socketReceiveRows: what the client sends, and how it leaves.
var socketReceiveRows = []socketRow{
	{
		rule: "A7.client-close",
		script: client(
			Step{Do: ActSendText, Data: "one"}, Step{Do: ActSendBinary, Data: "\xff"}, Step{Do: ActSendText},
			Step{Do: ActClose, Code: 4001, Data: "bye"},
		),
		app:  listen,
		want: opened(4001, ""),
		said: heard([]string{`text "one"`, `binary "\xff"`, `text ""`},
			`websocket.disconnect 4001 "bye"`, `closed with 4001 "bye"`),
	}, {
		rule:   "A7.client-close/no-code",
		script: client(Step{Do: ActClose}),
		app:    listen,
		want:   opened(1005, ""),
		said:   heard(nil, `websocket.disconnect 1005 ""`, `closed with 1005 ""`),
	}, {
		rule:   "A7.client-close/unread",
		script: client(Step{Do: ActSendText, Data: "one"}, Step{Do: ActClose, Code: 1001}),
		app: func(c *call) error {
			c.accept()
			c.gone() // ends though nobody receives
			c.receive()
			c.receive()
			return nil
		},
		want: opened(1001, ""),
		said: []string{`cause: closed with 1001 ""`, `text "one"`, `websocket.disconnect 1001 ""`},
	}, {
		rule:   "A7.client-lost",
		script: client(Step{Do: ActSendText, Data: "one"}, Step{Do: ActAwait}, Step{Do: ActVanish}),
		app: func(c *call) error {
			c.accept()
			c.receive()
			c.quietly(parley.Text("two"))
			c.receive()
			c.receive()
			c.gone()
			return c.send(parley.Text("late"))
		},
		want: opened(1006, "", "two"),
		said: []string{
			`text "one"`, `websocket.disconnect 1006 ""`, `websocket.disconnect 1006 ""`,
			"cause: disconnected", "websocket.send: disconnected",
		},
	}, {
		rule:   "A7.client-lost/before-accept",
		script: client(Step{Do: ActVanish}),
		app: func(c *call) error {
			c.receive()
			c.gone()
			c.receive()
			return c.send(parley.WebSocketAccept{})
		},
		want: SocketSeen{Truncated: true, Code: 1006},
		said: []string{
			"websocket.connect", "cause: disconnected",
			`websocket.disconnect 1006 ""`, "websocket.accept: disconnected",
		},
	}, {
		rule:   "A7.message-limit",
		script: client(Step{Do: ActSendBinary, Data: strings.Repeat("a", messageLimit+1)}),
		app:    listen,
		want:   opened(1009, ""),
		said:   heard(nil, `websocket.disconnect 1009 ""`, "1009"),
	}, {
		rule: "A7.message-limit/just-fits",
		script: client(Step{Do: ActSendBinary, Data: strings.Repeat("a", messageLimit)},
			Step{Do: ActClose, Code: 1000}),
		app:  listen,
		want: opened(1000, ""),
		said: heard([]string{"binary of 1048576 bytes"}, `websocket.disconnect 1000 ""`,
			`closed with 1000 ""`),
	}, {
		rule:   "A7.drain",
		needs:  Features{Drain: true},
		script: client(Step{Do: ActAwait}, Step{Do: ActDrain}),
		app: func(c *call) error {
			c.accept()
			c.quietly(parley.Text("ready"))
			c.receive()
			c.gone()
			return c.send(parley.Text("late"))
		},
		want: opened(1012, "", "ready"),
		said: []string{
			`websocket.disconnect 1012 ""`, "cause: " + parley.ErrDraining.Error(),
			"websocket.send: disconnected",
		},
	}, {
		rule: "A1.receive-cancelled/socket",
		script: client(Step{Do: ActAwait}, Step{Do: ActSendText, Data: "one"},
			Step{Do: ActClose, Code: 1000}),
		app: func(c *call) error {
			c.accept()
			c.cancelled()
			c.quietly(parley.Text("ready"))
			c.receive()
			return nil
		},
		want: opened(1000, "", "ready"),
		said: []string{"receive: enough", `text "one"`},
	}, {
		rule:   "A7.invalid-utf8",
		script: client(Step{Do: ActSendText, Data: "\xff"}),
		app:    listen,
		want:   opened(1007, ""),
		said:   heard(nil, `websocket.disconnect 1007 ""`, "1007"),
	},
}
