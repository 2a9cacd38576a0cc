package overevents

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

var everyHTTPExtension = []parley.Extension{
	parley.ExtensionTrailers, parley.ExtensionEarlyHint, parley.ExtensionZeroCopySend,
}

// clientView is what a client has seen of a response.
type clientView struct {
	Status   int
	Header   http.Header
	Body     string
	Trailers http.Header
	Hints    []string
	Cut      bool // the answer ended too early, or never came
}

// refereeConn is a conversation of one HTTP request with the rules as referee.
// It notes what a client would see and every event sent.
type refereeConn struct {
	rules  protocol.HTTP
	chunks [][]byte
	finish func() // called with the last part of the request
	read   bool   // it was received
	gone   error  // the client has left: Receive and Send say so
	asked  int    // calls of Receive
	events []string
	got    clientView
	body   strings.Builder
}

func (c *refereeConn) Receive(ctx context.Context) (parley.Event, error) {
	c.asked++
	if len(c.chunks) > 0 {
		chunk := c.chunks[0]
		c.chunks = c.chunks[1:]
		if len(c.chunks) == 0 && c.gone == nil {
			c.end()
		}
		return parley.HTTPRequest{Body: chunk, More: !c.read}, nil
	}
	if c.gone != nil {
		return parley.HTTPDisconnect{Cause: c.gone}, nil
	}
	if !c.read {
		c.end()
		return parley.HTTPRequest{}, nil
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func (c *refereeConn) end() {
	c.read = true
	if c.finish != nil {
		c.finish()
	}
}

func (c *refereeConn) Send(ctx context.Context, event parley.Event) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.gone != nil && errors.Is(c.gone, parley.ErrDisconnected) {
		return c.gone
	}
	c.events = append(c.events, describeEvent(event))
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		return c.start(event)
	case parley.HTTPResponseBody:
		return c.part(event, event.Body, event.More)
	case parley.HTTPResponseZeroCopySend:
		section := io.NewSectionReader(event.File, event.Offset, event.Count)
		content, err := io.ReadAll(section)
		if err != nil {
			return err
		}
		return c.part(event, content, event.More)
	case parley.HTTPResponseEarlyHint:
		c.got.Hints = append(c.got.Hints, event.Links...)
		return c.rules.EarlyHint(event)
	case parley.HTTPResponseTrailers:
		c.got.Trailers = event.Header
		return c.rules.Trailers(event)
	}
	return c.rules.Unknown(event)
}

func (c *refereeConn) start(event parley.HTTPResponseStart) error {
	if err := c.rules.Start(event); err != nil {
		return err
	}
	c.got.Status, c.got.Header = event.Status, event.Header.Clone()
	clear(event.Header) // it is the conn's now: nobody may miss it
	return nil
}

func (c *refereeConn) part(event parley.Event, content []byte, more bool) error {
	allowed, err := c.rules.Body(event, int64(len(content)), more)
	c.body.Write(content[:allowed])
	return err
}

func describeEvent(event parley.Event) string {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		return fmt.Sprintf("start %d trailers=%t", event.Status, event.Trailers)
	case parley.HTTPResponseBody:
		return fmt.Sprintf("body %d more=%t buffered=%t", len(event.Body), event.More, event.Buffered)
	case parley.HTTPResponseZeroCopySend:
		return fmt.Sprintf("file %d+%d more=%t", event.Offset, event.Count, event.More)
	}
	return event.EventType()
}

// scopeOf makes a scope of what a server would have read of r.
func scopeOf(
	tb testing.TB, r *http.Request, extensions ...parley.Extension,
) (*parley.Scope, []byte) {
	tb.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		tb.Fatal(err)
	}
	request, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		tb.Fatal(err)
	}
	request.Body = nil // not to be read
	request.RemoteAddr = "192.0.2.1:4711"
	return &parley.Scope{Protocol: parley.HTTP, Request: request, Extensions: extensions}, body
}

// converse runs h over events and returns the conn and the result.
func converse(
	tb testing.TB, h http.Handler, r *http.Request, extensions ...parley.Extension,
) (*refereeConn, error) {
	tb.Helper()
	scope, body := scopeOf(tb, r, extensions...)
	conn := &refereeConn{rules: protocol.HTTP{Head: r.Method == http.MethodHead}}
	trailers := maps.Clone(scope.Request.Trailer) // they arrive with the end of the body
	for name := range trailers {
		scope.Request.Trailer[name] = nil
	}
	conn.finish = func() { maps.Copy(scope.Request.Trailer, trailers) }
	for chunk := range slices.Chunk(body, 1000) {
		conn.chunks = append(conn.chunks, chunk)
	}
	return conn, conn.serve(h, scope)
}

// serve does what an adapter does around an app: a panic or a half answer cuts.
func (c *refereeConn) serve(h http.Handler, scope *parley.Scope) (err error) {
	defer func() {
		c.got.Body = c.body.String()
		if recovered := recover(); recovered != nil {
			err, c.got.Cut = fmt.Errorf("panic: %v", recovered), true
			return
		}
		c.got.Cut = c.rules.Finish() != protocol.HTTPDone
	}()
	return Serve(context.Background(), h, scope, c)
}

func (a clientView) String() string {
	return fmt.Sprintf("%d %v %.300q (%d bytes) trailers %v hints %q cut %t",
		a.Status, a.Header, a.Body, len(a.Body), a.Trailers, a.Hints, a.Cut)
}

// comparable leaves out what is the server's business and what http.Client hides.
func (a clientView) comparable() clientView {
	header := maps.Clone(a.Header)
	for _, name := range []string{"Date", "Connection", "Transfer-Encoding", "Trailer"} {
		header.Del(name)
	}
	trailers := maps.Clone(a.Trailers)
	maps.DeleteFunc(trailers, func(_ string, values []string) bool { return len(values) == 0 })
	maps.DeleteFunc(header, func(_ string, values []string) bool { return len(values) == 0 })
	if len(header) == 0 {
		header = nil
	}
	if len(trailers) == 0 {
		trailers = nil
	}
	a.Header, a.Trailers = header, trailers
	return a
}
