package parleytest

import (
	"errors"
	"net"
	"net/http"
	"slices"

	"github.com/parleygo/parley"
)

func httpRows() []httpRow {
	return slices.Concat(
		httpOrderRows, httpHeadRows, httpLengthRows, httpBodilessRows,
		httpEndingRows, httpReceiveRows, httpContinueRows, extensionRows(),
	)
}

// Events that most rows need.
var (
	ok200   = parley.HTTPResponseStart{Status: 200}
	yes     = parley.HTTPResponseBody{Body: []byte("yes")}
	part    = parley.HTTPResponseBody{Body: []byte("part"), More: true}
	answer  = HTTPSeen{Status: 200, Body: "yes"}
	errSelf = errors.New(secret)
)

// nilPointer is what an app returns by mistake: its Unwrap panics.
var nilPointer error = (*net.OpError)(nil)

// strange is an event that no conn knows.
type strange struct{}

func (strange) EventType() string { return "strange.event" }

// httpOrderRows: which event may follow which.
var httpOrderRows = []httpRow{
	{
		rule: "A4.body-before-start",
		app:  func(c *call) error { return c.send(yes) },
		want: failed(500),
		said: []string{refused(yes, "A4.body-before-start", parley.ErrBodyBeforeStart)},
	}, {
		rule: "A4.body-before-start/then-right",
		app:  func(c *call) error { c.send(yes); return c.quietly(ok200, yes) },
		want: answer,
		said: []string{refused(yes, "A4.body-before-start", parley.ErrBodyBeforeStart)},
	}, {
		rule: "A4.start-twice",
		app: func(c *call) error {
			c.quietly(ok200)
			c.send(parley.HTTPResponseStart{Status: 404})
			return c.quietly(yes)
		},
		want: answer,
		said: []string{refused(ok200, "A4.start-twice", parley.ErrAlreadyStarted)},
	}, {
		rule: "A4.after-complete",
		app: func(c *call) error {
			c.quietly(ok200, yes)
			c.send(yes)
			return c.send(ok200)
		},
		want: answer,
		said: []string{
			refused(yes, "A4.after-complete", parley.ErrResponseComplete),
			refused(ok200, "A4.after-complete", parley.ErrResponseComplete),
		},
	}, {
		rule: "A1.5/unknown-event",
		app: func(c *call) error {
			c.send(strange{})
			c.send(parley.WebSocketAccept{})
			return c.quietly(ok200, yes)
		},
		want: answer,
		said: []string{
			refused(strange{}, "A1.5", parley.ErrUnexpectedEvent),
			refused(parley.WebSocketAccept{}, "A1.5", parley.ErrUnexpectedEvent),
		},
	},
}

// badStart is a row whose app returns the error of a bad head.
func badStart(rule string, start parley.HTTPResponseStart, broken string, why error) httpRow {
	return httpRow{
		rule: rule,
		app:  func(c *call) error { return c.send(start) },
		want: failed(500),
		said: []string{refused(start, broken, why)},
	}
}

func head(name string, values ...string) parley.HTTPResponseStart {
	return parley.HTTPResponseStart{Status: 200, Header: http.Header{name: values}}
}

// httpHeadRows: what may stand in the head.
var httpHeadRows = []httpRow{
	badStart("A4.status/missing", parley.HTTPResponseStart{}, "A4.status", parley.ErrInvalidStatus),
	badStart("A4.status/99", parley.HTTPResponseStart{Status: 99}, "A4.status",
		parley.ErrInvalidStatus),
	badStart("A4.status/103", parley.HTTPResponseStart{Status: 103}, "A4.status",
		parley.ErrInvalidStatus),
	badStart("A4.status/600", parley.HTTPResponseStart{Status: 600}, "A4.status",
		parley.ErrInvalidStatus),
	badStart("A4.header/line-break", head("X-A", "a\r\nX-B: b"), "A4.header", parley.ErrInvalidHeader),
	badStart("A4.header/name", head("X A", "a"), "A4.header", parley.ErrInvalidHeader),
	badStart("A4.header/no-name", head("", "a"), "A4.header", parley.ErrInvalidHeader),
	badStart("A4.content-length/text", head("Content-Length", "three"), "A4.content-length",
		parley.ErrInvalidHeader),
	badStart("A4.content-length/negative", head("Content-Length", "-1"), "A4.content-length",
		parley.ErrInvalidHeader),
	badStart("A4.content-length/two", head("Content-Length", "3", "3"), "A4.content-length",
		parley.ErrInvalidHeader),
	{
		rule: "A4.header/repeated",
		app:  func(c *call) error { return c.quietly(head("X-A", "1", "2"), yes) },
		want: HTTPSeen{Status: 200, Body: "yes", Header: http.Header{"X-A": {"1", "2"}}},
	}, {
		rule: "A4.status/599",
		app:  func(c *call) error { return c.quietly(parley.HTTPResponseStart{Status: 599}, yes) },
		want: HTTPSeen{Status: 599, Body: "yes"},
	},
}

// httpLengthRows: bodies that are not as long as announced.
var httpLengthRows = []httpRow{
	{
		rule: "A4.short-body",
		app: func(c *call) error {
			c.quietly(head("Content-Length", "4"))
			return c.send(yes)
		},
		want: HTTPSeen{Status: 200, Body: "yes", Truncated: true},
		said: []string{refused(yes, "A4.short-body", parley.ErrShortBody)},
	}, {
		rule: "A4.long-body",
		app: func(c *call) error {
			c.quietly(head("Content-Length", "2"))
			c.send(yes)
			return c.send(yes)
		},
		want: HTTPSeen{Status: 200, Body: "ye"},
		said: []string{
			refused(yes, "A4.long-body", parley.ErrLongBody),
			refused(yes, "A4.after-complete", parley.ErrResponseComplete),
		},
	}, {
		rule: "A4.long-body/second-part",
		app: func(c *call) error {
			c.quietly(head("Content-Length", "6"), part)
			return c.send(yes)
		},
		want: HTTPSeen{Status: 200, Body: "partye"},
		said: []string{refused(yes, "A4.long-body", parley.ErrLongBody)},
	}, {
		rule: "A4.exact-body",
		app:  func(c *call) error { return c.quietly(head("Content-Length", "7"), part, yes) },
		want: HTTPSeen{Status: 200, Body: "partyes", Header: http.Header{"Content-Length": {"7"}}},
	},
}

// httpBodilessRows: answers whose body does not go out.
var httpBodilessRows = []httpRow{
	{
		rule:   "A4.head",
		script: HTTPScript{Method: "HEAD"},
		app:    func(c *call) error { c.quietly(head("Content-Length", "3")); return c.send(yes) },
		want:   HTTPSeen{Status: 200, Header: http.Header{"Content-Length": {"3"}}},
		said:   []string{"http.response.body: ok"},
	}, {
		rule: "A4.bodiless/204",
		app: func(c *call) error {
			c.quietly(parley.HTTPResponseStart{Status: 204})
			return c.send(yes)
		},
		want: HTTPSeen{Status: 204},
		said: []string{"http.response.body: ok"},
	}, {
		rule: "A4.bodiless/304",
		app: func(c *call) error {
			c.quietly(parley.HTTPResponseStart{Status: 304})
			return c.send(yes)
		},
		want: HTTPSeen{Status: 304},
		said: []string{"http.response.body: ok"},
	},
}
