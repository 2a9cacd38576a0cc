package parleytest

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Exchange is one HTTP request to an app and its response, as they happen. Its
// methods are the client's.
type Exchange struct {
	running
	request  *http.Request
	order    protocol.HTTP
	incoming []parley.HTTPRequest // parts of the request body the app has not received
	gone     bool                 // the client has vanished
	view     reply
	parts    []string // parts of the response body the client has not read
	closed   bool     // nothing more reaches the client
}

// Do has the app answer request and returns the whole response. The request's
// body is read and reaches the app in one event; the values of its context reach
// the app too, and the client vanishes when that context ends.
func Do(t testing.TB, app parley.App, request *http.Request) *Response {
	t.Helper()
	return Start(t, app, request).Response()
}

// Start has the app answer request and returns while it does. The request's body
// is read and reaches the app in one event.
func Start(t testing.TB, app parley.App, request *http.Request) *Exchange {
	t.Helper()
	need(t, app, request)
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			t.Fatalf("parleytest: reading the request's body: %v", err)
		}
	}
	return start(t, app, request, parley.HTTPRequest{Body: body})
}

// Upload is Start for a request whose body the test sends, by Send and End.
func Upload(t testing.TB, app parley.App, request *http.Request) *Exchange {
	t.Helper()
	need(t, app, request)
	return start(t, app, request)
}

func start(
	t testing.TB, app parley.App, request *http.Request, body ...parley.HTTPRequest,
) *Exchange {
	x := &Exchange{running: running{t: t}, incoming: body}
	ctx := x.begin(request.Context(), x.Vanish)
	x.request = received(ctx, request)
	x.order.Head = x.request.Method == http.MethodHead
	go x.serve(ctx, app, httpScope(x.request), (*exchangeConn)(x), x.finish)
	return x
}

// Send sends a part of the request's body.
func (x *Exchange) Send(part string) {
	x.state.Update(func() {
		x.incoming = append(x.incoming, parley.HTTPRequest{Body: []byte(part), More: true})
	})
}

// End ends the request's body.
func (x *Exchange) End() {
	x.state.Update(func() { x.incoming = append(x.incoming, parley.HTTPRequest{}) })
}

// Vanish takes the client away: the connection is lost. What it sent before is
// still received.
func (x *Exchange) Vanish() {
	x.state.Update(func() {
		x.gone, x.closed = true, true
		x.end(parley.ErrDisconnected)
	})
}

// Status waits for the head of the response and returns its status, or 0 if
// the connection ended without one.
func (x *Exchange) Status() int {
	x.t.Helper()
	x.await("waiting for the head of the response", x.headed)
	return x.view.Status
}

// Header waits for the head of the response and returns its headers.
func (x *Exchange) Header() http.Header {
	x.t.Helper()
	x.await("waiting for the head of the response", x.headed)
	return x.view.Header
}

func (x *Exchange) headed() bool { return x.view.Status != 0 || x.closed }

// Read waits for the next part of the response's body. ok is false at its end.
func (x *Exchange) Read() (part string, ok bool) {
	x.t.Helper()
	x.await("waiting for a part of the response", func() bool {
		part, ok = x.shift()
		return ok || x.closed
	})
	return part, ok
}

// ReadWithin is Read that gives up after d, which does the app no harm. ok is
// false then too.
func (x *Exchange) ReadWithin(d time.Duration) (part string, ok bool) {
	x.within(d, func() bool {
		part, ok = x.shift()
		return ok || x.closed
	})
	return part, ok
}

func (x *Exchange) shift() (part string, ok bool) {
	if len(x.parts) == 0 {
		return "", false
	}
	part, x.parts = x.parts[0], x.parts[1:]
	return part, true
}

// Quiet reports that there is no part of the response's body to read, once the
// app has done all it can do now. It is exact inside a synctest bubble; outside
// it watches for a moment.
func (x *Exchange) Quiet() bool { return x.quiet(func() bool { return len(x.parts) > 0 }) }

// Wait waits for the app to return and returns its error.
func (x *Exchange) Wait() error {
	x.t.Helper()
	return x.wait()
}

// Sent returns what the app has sent so far.
func (x *Exchange) Sent() []Sent { return x.events() }

// Response waits for the app to return and returns what the client saw of its
// response, parts that were read before included.
func (x *Exchange) Response() *Response {
	x.t.Helper()
	err := x.wait()
	return x.view.response(err, x.events())
}
