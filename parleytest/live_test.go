package parleytest_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// serving is a Wire to a handler that needs no app.
func serving(handler http.HandlerFunc) parleytest.Wire {
	return parleytest.Live(func(parley.App) http.Handler { return handler })
}

func TestLiveHTTP(t *testing.T) {
	wire := serving(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
	})
	got := wire.HTTP(t, nil, parleytest.HTTPScript{
		Method: "POST",
		Header: http.Header{"Expect": {"100-continue"}},
		Steps: []parleytest.Step{
			{Do: parleytest.ActContinue}, // the hint
			{Do: parleytest.ActContinue},
			{Do: parleytest.ActSendBody, Data: "one "}, {Do: parleytest.ActSendBody, Data: "two"},
			{Do: parleytest.ActEndBody},
		},
	})
	if got.Status != 200 || !got.Continued || got.Body != "one two" || got.Truncated ||
		got.Trailer.Get("X-Sum") != "42" || len(got.Hints) != 1 || got.Hints[0] != "</a>" {
		t.Errorf("saw %+v", got)
	}
}

func TestLiveHTTPTruncated(t *testing.T) {
	wire := serving(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if got := wire.HTTP(t, nil, parleytest.HTTPScript{}); got.Status != 200 || got.Body != "half" ||
		!got.Truncated {
		t.Errorf("saw %+v", got)
	}
	wire = serving(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if got := wire.HTTP(t, nil, parleytest.HTTPScript{}); !reflect.DeepEqual(got,
		parleytest.HTTPSeen{Truncated: true}) {
		t.Errorf("saw %+v", got)
	}
}

// upgrade answers any handshake, hears a first frame, says its own, and hears the
// rest.
func upgrade(t *testing.T, first, rest int, frames string, heard chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+
			"Upgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
		greeting := make([]byte, first)
		io.ReadFull(rw, greeting)
		io.WriteString(conn, frames)
		answers := make([]byte, rest)
		io.ReadFull(rw, answers)
		heard <- string(greeting)
		heard <- string(answers)
	}
}

func TestLiveSocket(t *testing.T) {
	const (
		hi      = "\x81\x82\x37\xfa\x21\x3d\x5f\x93" // masked
		answers = "\x8a\x81\x37\xfa\x21\x3d\x47" +   // the pong
			"\x88\x82\x37\xfa\x21\x3d\x38\x5b" // 4001, as it came
	)
	heard := make(chan string, 2)
	frames := "\x81\x03yes\x82\x00\x89\x01p\x8a\x01q\x88\x05\x0f\xa1bye"
	wire := serving(upgrade(t, len(hi), len(answers), frames, heard))
	got := wire.WebSocket(t, nil, parleytest.SocketScript{Subprotocols: []string{"chat"},
		Steps: []parleytest.Step{
			{Do: parleytest.ActSendText, Data: "hi"}, {Do: parleytest.ActAwait}, {Do: parleytest.ActAwait},
		}})
	if got.Status != 101 || got.Subprotocol != "chat" || got.Code != 4001 || got.Reason != "bye" {
		t.Errorf("saw %+v", got)
	}
	if len(got.Messages) != 2 || got.Messages[0].Text() != "yes" ||
		got.Messages[1].Type != parley.BinaryMessage || got.Pongs[0] != "q" {
		t.Errorf("received %v, pongs %q", got.Messages, got.Pongs)
	}
	if first, rest := <-heard, <-heard; first != hi || rest != answers {
		t.Errorf("the server heard %q, %q", first, rest)
	}
}

// A server may send a message in frames, and pings between them.
func TestLiveSocketFragments(t *testing.T) {
	heard := make(chan string, 2)
	frames := "\x01\x02h\xc3\x89\x01p\x00\x00\x80\x04\xa9llo\x02\x01\x00\x80\x01\x01\x88\x02\x03\xe8"
	wire := serving(upgrade(t, 0, 0, frames, heard))
	got := wire.WebSocket(t, nil, parleytest.SocketScript{})
	want := []parley.WebSocketReceive{
		{Type: parley.TextMessage, Data: []byte("héllo")},
		{Type: parley.BinaryMessage, Data: []byte{0, 1}},
	}
	if !reflect.DeepEqual(got.Messages, want) || got.Code != parley.CloseNormal {
		t.Errorf("saw %+v", got)
	}
}

// A client finds fault with a server that breaks the rules of frames.
func TestLiveSocketBadFrames(t *testing.T) {
	for name, frames := range map[string]string{
		"message in a message":    "\x01\x01a\x81\x01b",
		"continuation of nothing": "\x80\x01a",
		"reserved bit":            "\xc1\x01a",
		"text that is none":       "\x81\x01\xff",
	} {
		got := new(witness).run(func(w testing.TB) {
			wire := serving(upgrade(t, 0, 0, frames, make(chan string, 2)))
			wire.WebSocket(w, nil, parleytest.SocketScript{})
		})
		if !strings.Contains(got, "the server") {
			t.Errorf("%s: failed with %q", name, got)
		}
	}
}

func TestLiveSocketDenied(t *testing.T) {
	wire := serving(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.Header.Get("Origin"), 403)
	})
	elsewhere := http.Header{"Origin": {"http://elsewhere"}}
	got := wire.WebSocket(t, nil, parleytest.SocketScript{Header: elsewhere})
	if got.Status != 403 || got.Body != "http://elsewhere\n" || got.Code != parley.CloseAbnormal {
		t.Errorf("saw %+v", got)
	}
}
