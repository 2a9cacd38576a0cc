package parleytest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/parleygo/parley"
)

// truncated is an answer that was cut after its first part.
var truncated = HTTPSeen{Status: 200, Body: "part", Truncated: true}

// httpEndingRows: apps that return, with or without an answer.
var httpEndingRows = []httpRow{
	{
		rule: "A4.return",
		app: func(c *call) error {
			c.ctx.Done() // as an app does that leaves a goroutine behind
			return c.quietly(ok200, yes)
		},
		want:  answer,
		cause: parley.ErrFinished,
	}, {
		rule: "A4.no-answer",
		app:  func(*call) error { return nil },
		want: failed(500),
	}, {
		rule: "A4.incomplete",
		app:  func(c *call) error { return c.quietly(ok200, part) },
		want: truncated,
	}, {
		rule: "A4.error-before-start",
		app:  func(*call) error { return errSelf },
		want: failed(500),
	}, {
		rule: "A4.error-before-start/nil-pointer",
		app:  func(*call) error { return nilPointer },
		want: failed(500),
	}, {
		rule: "A4.error-after-start/nil-pointer",
		app:  func(c *call) error { c.quietly(ok200, part); return nilPointer },
		want: truncated,
	}, {
		rule: "A4.panic-before-start/nil-pointer",
		app:  func(*call) error { panic(nilPointer) },
		want: failed(500),
	}, {
		rule: "A4.error-after-start",
		app:  func(c *call) error { c.quietly(ok200, part); return errSelf },
		want: truncated,
	}, {
		rule: "A4.error-after-complete",
		app:  func(c *call) error { c.quietly(ok200, yes); return errSelf },
		want: answer,
	}, {
		rule: "A4.panic-before-start",
		app:  func(*call) error { panic(secret) },
		want: failed(500),
	}, {
		rule: "A4.panic-after-start",
		app:  func(c *call) error { c.quietly(ok200, part); panic(secret) },
		want: truncated,
	}, {
		rule: "A4.abort/before-start",
		app:  func(*call) error { panic(http.ErrAbortHandler) },
		want: HTTPSeen{Truncated: true},
	}, {
		rule: "A4.abort/after-start",
		app:  func(c *call) error { c.quietly(ok200, part); panic(http.ErrAbortHandler) },
		want: truncated,
	}, {
		rule: "A4.error/not-found",
		app:  func(*call) error { return fmt.Errorf("%s: %w", secret, parley.ErrNotFound) },
		want: failed(404),
	}, {
		rule: "A1.4/unsupported-protocol",
		app:  func(c *call) error { return &parley.UnsupportedProtocolError{Protocol: c.scope.Protocol} },
		want: failed(404),
	}, {
		rule: "A4.error/too-large",
		app:  func(*call) error { return parley.ErrTooLarge },
		want: failed(413),
	},
}

// upload is a client with a body.
func upload(steps ...Step) HTTPScript { return HTTPScript{Method: "POST", Steps: steps} }

// More than the buffers on the way hold.
const manyParts = 64

var largePart = bytes.Repeat([]byte("part of the body"), 1<<10)

// httpReceiveRows: what the app receives, and sends meanwhile.
var httpReceiveRows = []httpRow{
	{
		rule: "A3.request/empty-body",
		app: func(c *call) error {
			c.receive()
			return c.quietly(ok200, yes)
		},
		want: answer,
		said: []string{`http.request "" false`},
	}, {
		rule: "A3.request/parts",
		script: upload(
			Step{Do: ActSendBody, Data: "one "}, Step{Do: ActSendBody, Data: "two"}, Step{Do: ActEndBody},
		),
		app:  func(c *call) error { c.body(); return c.quietly(ok200, yes) },
		want: answer,
		said: []string{`body "one two": ok`},
	}, {
		rule: "A3.response/many-parts",
		app: func(c *call) error {
			c.quietly(ok200)
			for range manyParts {
				c.quietly(parley.HTTPResponseBody{Body: largePart, More: true, Buffered: true})
			}
			return c.quietly(yes)
		},
		want: HTTPSeen{Status: 200, Body: strings.Repeat(string(largePart), manyParts) + "yes"},
	}, {
		rule:   "A1.receive-cancelled",
		script: upload(Step{Do: ActAwait}, Step{Do: ActSendBody, Data: "one"}, Step{Do: ActEndBody}),
		app: func(c *call) error {
			c.cancelled()
			c.quietly(ok200, part)
			c.body()
			return c.quietly(yes)
		},
		want: HTTPSeen{Status: 200, Body: "partyes"},
		said: []string{"receive: enough", `body "one": ok`},
	}, {
		rule: "A3.request/answer-while-reading",
		script: upload(
			Step{Do: ActSendBody, Data: "one "}, Step{Do: ActAwait},
			Step{Do: ActSendBody, Data: "two"}, Step{Do: ActEndBody},
		),
		app: func(c *call) error {
			first, _ := c.conn.Receive(c.ctx)
			c.say("%s", describe(first))
			c.quietly(ok200, part)
			c.body()
			return c.quietly(yes)
		},
		want: HTTPSeen{Status: 200, Body: "partyes"},
		said: []string{`http.request "one " true`, `body "two": ok`},
	}, {
		rule:   "A4.client-gone/while-reading",
		script: upload(Step{Do: ActSendBody, Data: "half"}, Step{Do: ActVanish}),
		app: func(c *call) error {
			err := c.body()
			c.gone()
			c.receive()
			c.receive()
			c.send(ok200)
			return err
		},
		want: HTTPSeen{Truncated: true},
		said: []string{
			`body "half": disconnected`, "cause: disconnected",
			"http.disconnect", "http.disconnect", "http.response.start: disconnected",
		},
	}, {
		rule:   "A4.client-gone/while-answering",
		script: HTTPScript{Steps: []Step{{Do: ActAwait}, {Do: ActVanish}}},
		app: func(c *call) error {
			c.quietly(ok200, part)
			c.gone()
			return c.send(part)
		},
		want: truncated,
		said: []string{"cause: disconnected", "http.response.body: disconnected"},
	}, {
		rule:   "A4.client-gone/body-unread",
		script: upload(Step{Do: ActSendBody, Data: "unread"}, Step{Do: ActAwait}, Step{Do: ActVanish}),
		app: func(c *call) error {
			c.quietly(ok200, part)
			c.gone()
			return parley.ErrDisconnected
		},
		want: truncated,
		said: []string{"cause: disconnected"},
	}, {
		rule: "A4.receive-after-complete",
		app: func(c *call) error {
			c.receive()
			c.quietly(ok200, yes)
			c.receive()
			c.receive()
			return nil
		},
		want: answer,
		said: []string{`http.request "" false`, "http.disconnect", "http.disconnect"},
	},
}

var expects = http.Header{"Expect": {"100-continue"}, "Content-Length": {"3"}}

// httpContinueRows: the client waits to be asked for its body.
var httpContinueRows = []httpRow{
	{
		rule:  "A4.continue/read",
		needs: Features{Network: true},
		script: HTTPScript{Method: "POST", Header: expects, Steps: []Step{
			{Do: ActContinue}, {Do: ActSendBody, Data: "one"}, {Do: ActEndBody},
		}},
		app:  func(c *call) error { c.body(); return c.quietly(ok200, yes) },
		want: HTTPSeen{Continued: true, Status: 200, Body: "yes"},
		said: []string{`body "one": ok`},
	}, {
		rule:   "A4.continue/unread",
		needs:  Features{Network: true},
		script: HTTPScript{Method: "POST", Header: expects},
		app:    func(c *call) error { return c.quietly(ok200, yes) },
		want:   answer,
	},
}
