package sse_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/sse"
)

// Over a real connection the drain of a gateway ends a stream in order: the client
// reads why, and the end of its answer. So do HEAD, whose connection goes on, and a
// POST with a body.
func TestLive(t *testing.T) {
	gateway := nethttp.Handler(sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		if err := stream.Send(ctx, sse.Event{Data: "hello " + string(stream.Body())}); err != nil {
			return err
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}, sse.Options{}))
	server := httptest.NewServer(gateway)
	defer server.Close()
	browser := &http.Client{Transport: new(http.Transport)}
	defer browser.CloseIdleConnections()
	var streams []*http.Response
	for _, method := range []string{"HEAD", "GET", "POST"} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader(method))
		if err != nil {
			t.Fatal(err)
		}
		response, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != sse.ContentType {
			t.Errorf("%s: %s, %q", method, response.Status, got)
		}
		streams = append(streams, response)
	}
	if err := gateway.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	for i, response := range streams {
		body, err := io.ReadAll(response.Body)
		if err != nil || i > 0 && !strings.Contains(string(body), `{"code":1012}`) {
			t.Errorf("%s: read %q, %v", response.Request.Method, body, err)
		}
	}
}

// TestDrainTellsWhoOnlySends: a function that asks for nothing but its next event is
// told of a drain by its Send.
func TestDrainTellsWhoOnlySends(t *testing.T) {
	gateway := nethttp.Handler(sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		for {
			if err := stream.Send(ctx, sse.Event{Data: "tick"}); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	}, sse.Options{}))
	server := httptest.NewServer(gateway)
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read := make(chan string, 1)
	go func() {
		body, err := io.ReadAll(response.Body)
		read <- fmt.Sprint(string(body), err)
	}()
	if err := gateway.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-read; !strings.Contains(got, `{"code":1012}`) || !strings.HasSuffix(got, "<nil>") {
		t.Errorf("read %q", got)
	}
}
