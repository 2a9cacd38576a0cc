package nethttp

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
)

// TestLastPartComesWithTheEnd: whoever has the last of a body finds that nobody reads
// it any more.
func TestLastPartComesWithTheEnd(t *testing.T) {
	for range 10_000 {
		s := &spool{
			body: iotest.DataErrReader(strings.NewReader("body")), limit: 100, all: new(atomic.Int64),
			stop: func() { t.Error("the reading is stopped behind its end") },
			news: make(chan struct{}), ended: make(chan struct{}),
		}
		go usercode.Call(s.fill, s.end)
		part, err := s.next(t.Context(), 0)
		if string(part) != "body" || err != nil || !s.finished() {
			t.Fatalf("read %q, %v, finished: %v", part, err, s.finished())
		}
		s.close()
	}
}

// TestConnectionOfAnEndedContextIsNotKept: net/http ends the context of a connection, with
// those of all its requests, when it takes its client for gone. A client that is there
// can do better with another.
func TestConnectionOfAnEndedContextIsNotKept(t *testing.T) {
	server := httptest.NewUnstartedServer(Handler(parley.AppFunc(
		func(ctx context.Context, _ *parley.Scope, _ parley.Conn) error {
			<-ctx.Done()
			return ctx.Err()
		})))
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}
	server.Start()
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != statusClientGone || !response.Close {
		t.Errorf("got %s, close: %v", response.Status, response.Close)
	}
}
