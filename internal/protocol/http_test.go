package protocol_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// sendHTTP does what an adapter does with an event. A file of a PathSend is as
// long as its Path says.
func sendHTTP(h *protocol.HTTP, event parley.Event) (allowed int64, err error) {
	switch event := event.(type) {
	case parley.HTTPResponseStart:
		return 0, h.Start(event)
	case parley.HTTPResponseBody:
		return h.Body(event, int64(len(event.Body)), event.More)
	case parley.HTTPResponseZeroCopySend:
		return h.Body(event, event.Count, event.More)
	case parley.HTTPResponsePathSend:
		return h.PathSend(event, int64(len(event.Path)))
	case parley.HTTPResponseTrailers:
		return 0, h.Trailers(event)
	case parley.HTTPResponseEarlyHint:
		return 0, h.EarlyHint(event)
	case parley.HTTPResponseDebug:
		return 0, h.Debug(event)
	}
	return 0, h.Unknown(event)
}

var (
	start    = parley.HTTPResponseStart{Status: 200}
	promise  = parley.HTTPResponseStart{Status: 200, Trailers: true}
	last     = parley.HTTPResponseBody{Body: []byte("last")}
	part     = parley.HTTPResponseBody{Body: []byte("part"), More: true}
	copied   = parley.HTTPResponseZeroCopySend{Count: 4}
	path     = parley.HTTPResponsePathSend{Path: "four"}
	trailers = parley.HTTPResponseTrailers{Header: http.Header{"X-Sum": {"1"}}}
	more     = parley.HTTPResponseTrailers{More: true}
	hint     = parley.HTTPResponseEarlyHint{Links: []string{"</a>; rel=preload"}}
	debug    = parley.HTTPResponseDebug{}
)

func sized(values ...string) parley.HTTPResponseStart {
	return parley.HTTPResponseStart{Status: 200, Header: http.Header{"Content-Length": values}}
}

func status(n int) parley.HTTPResponseStart { return parley.HTTPResponseStart{Status: n} }

func header(name, value string) parley.HTTPResponseStart {
	return parley.HTTPResponseStart{Status: 200, Header: http.Header{name: {value}}}
}

// TestHTTPRules sends before, which is in order, and then event.
func TestHTTPRules(t *testing.T) {
	for _, row := range []struct {
		rule   string
		before []parley.Event
		event  parley.Event
		state  string
		err    error
	}{
		{"A4.body-before-start", nil, last, "idle", parley.ErrBodyBeforeStart},
		{"A4.body-before-start", nil, copied, "idle", parley.ErrBodyBeforeStart},
		{"A4.body-before-start", nil, path, "idle", parley.ErrBodyBeforeStart},
		{"A4.start-twice", []parley.Event{start}, start, "started", parley.ErrAlreadyStarted},
		{"A4.start-twice", []parley.Event{promise, last}, start, "awaiting trailers", parley.ErrAlreadyStarted},
		{"A4.after-complete", []parley.Event{start, last}, start, "complete", parley.ErrResponseComplete},
		{"A4.after-complete", []parley.Event{start, last}, last, "complete", parley.ErrResponseComplete},
		{"A4.after-complete", []parley.Event{start, path}, path, "complete", parley.ErrResponseComplete},
		{"A4.after-complete", []parley.Event{start, last}, trailers, "complete", parley.ErrResponseComplete},
		{"A4.after-complete", []parley.Event{promise, last}, last, "awaiting trailers", parley.ErrResponseComplete},
		{"A4.status", nil, status(0), "idle", parley.ErrInvalidStatus},
		{"A4.status", nil, status(199), "idle", parley.ErrInvalidStatus},
		{"A4.status", nil, status(600), "idle", parley.ErrInvalidStatus},
		{"A4.header", nil, header("X-A", "a\r\nb"), "idle", parley.ErrInvalidHeader},
		{"A4.header", nil, header("X-A", "\x00"), "idle", parley.ErrInvalidHeader},
		{"A4.header", nil, header("X-A", "\x7f"), "idle", parley.ErrInvalidHeader},
		{"A4.header", nil, header("X:A", "a"), "idle", parley.ErrInvalidHeader},
		{"A4.header", nil, header("", "a"), "idle", parley.ErrInvalidHeader},
		{"A4.header", nil, parley.HTTPResponseEarlyHint{Links: []string{"\n"}}, "idle", parley.ErrInvalidHeader},
		{
			"A4.header", []parley.Event{promise, last}, parley.HTTPResponseTrailers{Header: http.Header{"X A": nil}},
			"awaiting trailers", parley.ErrInvalidHeader,
		},
		{"A4.content-length", nil, sized("x"), "idle", parley.ErrInvalidHeader},
		{"A4.content-length", nil, sized("-1"), "idle", parley.ErrInvalidHeader},
		{"A4.content-length", nil, sized("+1"), "idle", parley.ErrInvalidHeader},
		{"A4.content-length", nil, sized("9223372036854775808"), "idle", parley.ErrInvalidHeader},
		{"A4.content-length", nil, sized("1", "1"), "idle", parley.ErrInvalidHeader},
		{"A4.short-body", []parley.Event{sized("9"), part}, last, "started", parley.ErrShortBody},
		{"A4.short-body", []parley.Event{sized("9")}, path, "started", parley.ErrShortBody},
		{"A4.long-body", []parley.Event{sized("7"), part}, last, "started", parley.ErrLongBody},
		{"A4.long-body", []parley.Event{sized("3")}, copied, "started", parley.ErrLongBody},
		{"A4.long-body", []parley.Event{sized("3")}, path, "started", parley.ErrLongBody},
		{"A9.pathsend-mixed", []parley.Event{start, part}, path, "started", parley.ErrUnexpectedEvent},
		{"A9.trailers", nil, trailers, "idle", parley.ErrUnexpectedEvent},
		{"A9.trailers", []parley.Event{start}, trailers, "started", parley.ErrUnexpectedEvent},
		{"A9.trailers", []parley.Event{promise, part}, trailers, "started", parley.ErrUnexpectedEvent},
		{"A4.after-complete", []parley.Event{promise, last, more, trailers}, trailers, "complete", parley.ErrResponseComplete},
		{"A9.early-hint", []parley.Event{start}, hint, "started", parley.ErrAlreadyStarted},
		{"A9.debug", []parley.Event{debug}, debug, "idle", parley.ErrUnexpectedEvent},
		{"A9.debug", []parley.Event{start}, debug, "started", parley.ErrUnexpectedEvent},
		{"A1.5", nil, parley.WebSocketAccept{}, "idle", parley.ErrUnexpectedEvent},
	} {
		t.Run(row.rule, func(t *testing.T) {
			var h protocol.HTTP
			for _, event := range row.before {
				_, err := sendHTTP(&h, event)
				expect(t, event, err, nil)
			}
			_, err := sendHTTP(&h, row.event)
			expect(t, row.event, err, &broken{row.state, row.rule, row.err})
		})
	}
}

// TestHTTPFinish tells what becomes of an answer when the app returns after
// these events, whatever they were answered with.
func TestHTTPFinish(t *testing.T) {
	for name, row := range map[string]struct {
		head   bool
		events []parley.Event
		want   protocol.HTTPEnding
		sent   int64
	}{
		"A4.no-answer":            {false, nil, protocol.HTTPError, 0},
		"A4.body-before-start":    {false, []parley.Event{last}, protocol.HTTPError, 0},
		"A4.status":               {false, []parley.Event{status(99)}, protocol.HTTPError, 0},
		"A4.start-twice":          {false, []parley.Event{start, start, last}, protocol.HTTPDone, 4},
		"A4.incomplete":           {false, []parley.Event{start, part}, protocol.HTTPAbort, 4},
		"A4.incomplete/trailers":  {false, []parley.Event{promise, last}, protocol.HTTPAbort, 4},
		"A4.after-complete":       {false, []parley.Event{start, last, last}, protocol.HTTPDone, 4},
		"A4.short-body":           {false, []parley.Event{sized("5"), last}, protocol.HTTPAbort, 4},
		"A4.long-body":            {false, []parley.Event{sized("3"), last}, protocol.HTTPAbort, 3},
		"A4.long-body/second":     {false, []parley.Event{sized("6"), part, last}, protocol.HTTPAbort, 6},
		"A4.long-body/file":       {false, []parley.Event{sized("3"), path}, protocol.HTTPAbort, 3},
		"A4.exact-body":           {false, []parley.Event{sized("8"), part, last}, protocol.HTTPDone, 8},
		"A4.exact-body/file":      {false, []parley.Event{sized("4"), path}, protocol.HTTPDone, 4},
		"A4.head":                 {true, []parley.Event{sized("9"), last}, protocol.HTTPDone, 0},
		"A4.head/file":            {true, []parley.Event{sized("3"), path}, protocol.HTTPDone, 0},
		"A4.bodiless/204":         {false, []parley.Event{status(204), last}, protocol.HTTPDone, 0},
		"A4.bodiless/304":         {false, []parley.Event{status(304), part, last}, protocol.HTTPDone, 0},
		"A9.trailers":             {false, []parley.Event{promise, last, more, trailers}, protocol.HTTPDone, 4},
		"A9.early-hint":           {false, []parley.Event{hint, hint, start, last}, protocol.HTTPDone, 4},
		"A9.zerocopysend":         {false, []parley.Event{start, part, copied}, protocol.HTTPDone, 8},
		"A9.debug":                {false, []parley.Event{debug, start, last}, protocol.HTTPDone, 4},
		"A4.content-length/twice": {false, []parley.Event{sized("1", "2"), start, last}, protocol.HTTPDone, 4},
	} {
		t.Run(name, func(t *testing.T) {
			h, sent := protocol.HTTP{Head: row.head}, int64(0)
			for _, event := range row.events {
				allowed, _ := sendHTTP(&h, event)
				sent += allowed
			}
			if got := h.Finish(); got != row.want || sent != row.sent {
				t.Errorf("ending %d after %d bytes, want %d after %d", got, sent, row.want, row.sent)
			}
		})
	}
}

func TestHTTPContentLengthSpelling(t *testing.T) {
	var h protocol.HTTP
	event := parley.HTTPResponseStart{Status: 200, Header: http.Header{"content-length": {"3"}, "Content-Length": {"4"}}}
	expect(t, event, h.Start(event), &broken{"idle", "A4.content-length", parley.ErrInvalidHeader})
}

// TestHTTPStatuses: an app's answer is final and of a kind that there is; a handler's is
// any that net/http takes.
func TestHTTPStatuses(t *testing.T) {
	for _, row := range []struct {
		status       int
		app, handler bool
	}{
		{-1, false, false}, {0, false, false}, {100, false, false}, {101, false, true},
		{199, false, true}, {200, true, true}, {404, true, true}, {599, true, true},
		{600, false, true}, {999, false, true}, {1000, false, false},
	} {
		for handler, want := range map[bool]bool{false: row.app, true: row.handler} {
			h := protocol.HTTP{Handler: handler}
			event := status(row.status)
			if want {
				expect(t, event, h.Start(event), nil)
				continue
			}
			expect(t, event, h.Start(event), &broken{"idle", "A4.status", parley.ErrInvalidStatus})
		}
	}
}

func TestHTTPUnavailable(t *testing.T) {
	var h protocol.HTTP
	err := h.Unavailable(debug)
	expect(t, debug, err, &broken{"idle", "A9.unavailable", parley.ErrExtensionUnavailable})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v is not errors.ErrUnsupported", err)
	}
}

// FuzzHTTP sends events in any order and checks what no order may bring about.
func FuzzHTTP(f *testing.F) {
	f.Add(false, 4, []byte("sb"))
	f.Add(true, -1, []byte("hsppb"))
	f.Add(false, 7, []byte("spzfttSx"))
	all := []parley.Event{
		last, part, copied, parley.HTTPResponseZeroCopySend{Count: 3, More: true},
		path, trailers, more, hint, debug, start, promise, status(204), status(700),
		header("a\n", ""), parley.WebSocketClose{},
	}
	f.Fuzz(func(t *testing.T, head bool, length int, order []byte) {
		h, starts, sent := protocol.HTTP{Head: head}, 0, int64(0)
		events := slices.Clone(all)
		if length >= 0 {
			events[9] = sized(strconv.Itoa(length))
		}
		for _, b := range order {
			was, event := h.State(), events[int(b)%len(events)]
			allowed, err := sendHTTP(&h, event)
			sent += allowed
			if _, ok := event.(parley.HTTPResponseStart); ok && err == nil {
				starts++
			}
			checkHTTP(t, &h, was, event, allowed, err)
		}
		if limit, ok := h.Sized(); starts > 1 || ok && sent > limit || h.Bodiless() && sent > 0 {
			t.Errorf("%d starts, %d bytes sent", starts, sent)
		}
		if h.Finish() == protocol.HTTPDone && starts != 1 {
			t.Error("complete without a start")
		}
	})
}

func checkHTTP(t *testing.T, h *protocol.HTTP, was protocol.HTTPState, event parley.Event, allowed int64, err error) {
	t.Helper()
	var refusal *parley.ProtocolError
	switch now := h.State(); {
	case err != nil && !errors.As(err, &refusal):
		t.Errorf("%s: %v is no ProtocolError", event.EventType(), err)
	case now < was:
		t.Errorf("%s: from %v back to %v", event.EventType(), was, now)
	case was == protocol.HTTPComplete && (err == nil || allowed != 0):
		t.Errorf("%s went out after the end", event.EventType())
	case was == protocol.HTTPIdle && allowed != 0:
		t.Errorf("%s went out before the head", event.EventType())
	case allowed < 0:
		t.Errorf("%s: %d bytes allowed", event.EventType(), allowed)
	}
}
